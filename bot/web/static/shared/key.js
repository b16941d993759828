/**
 * The field to paste a model key, wherever it is missed: below an answer of the offline model, in
 * a failed message, in the set-up steps. The key is tried before it is saved and never kept here.
 */
import { el, fill, announce } from "./dom.js";
import { post } from "./api.js";

const PREFIXES = [["sk-ant-", "Anthropic"], ["sk-or-", "OpenRouter"], ["AIza", "Gemini"], ["csk-", "Cerebras"], ["sk-proj-", "OpenAI"], ["sk-", "OpenAI or DeepSeek"]];

/** A form; `done` is called once the key works, with the answer of the API. */
export function keyForm(done = () => {}) {
  const field = el("input", { type: "password", name: "key", autocomplete: "off", spellcheck: "false", placeholder: "Paste a model key", "aria-label": "Model key" });
  const go = el("button", { type: "submit", class: "button" }, "Try and save");
  const says = el("p", { class: "meta", "aria-live": "polite", hidden: true });
  const say = (text, bad = false) => {
    says.textContent = text;
    says.hidden = !text;
    says.className = bad ? "bad" : "meta";
  };
  field.addEventListener("input", () => {
    const found = PREFIXES.find(([prefix]) => field.value.trim().startsWith(prefix));
    say(found ? `Looks like a key of ${found[1]}.` : "");
  });
  const onsubmit = async (event) => {
    event.preventDefault();
    const key = field.value.trim();
    if (!key) {
      say("Paste the key first.", true);
      return field.focus();
    }
    go.disabled = true;
    say("Trying the key…");
    try {
      const answer = await post("/v1/models/key", { key });
      succeed(form, key, answer);
      done(answer);
    } catch (error) {
      say(error.message, true);
      field.focus();
    }
    go.disabled = false;
    return undefined;
  };
  const form = el("form", { class: "key-form", onsubmit }, field, go, says);
  return form;
}

/** Says what was found, and offers the other models that the key opens. */
function succeed(form, key, { provider, models = [], model }) {
  const said = el("p", { class: "good", tabindex: "-1" }, `The ${provider} key works. Answers now come from ${model}.`);
  const pick = el("select", { "aria-label": "Model" }, models.map((name) => el("option", { value: name, selected: name === model }, name)));
  pick.addEventListener("change", async () => {
    try {
      const answer = await post("/v1/models/key", { key, model: pick.value });
      said.textContent = `Answers now come from ${answer.model}.`;
    } catch (error) {
      said.textContent = error.message;
    }
  });
  fill(form, said, models.length > 1 && pick);
  said.focus();
  announce(said.textContent);
}
