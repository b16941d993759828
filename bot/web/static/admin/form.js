/** A short form that sends itself to the API; an error stands at its field and stays until mended. */
import { el } from "../shared/dom.js";

/**
 * Makes a form. `fields` are `{name, label, type, options, required, placeholder, begins}`; `send(values)`
 * does the work, and what it returns is shown below the form.
 */
export function formOf(fields, word, send, { label = word } = {}) {
  const result = el("div", { role: "status" });
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const go = el("button", { type: "submit", class: "button" }, word);
  const onsubmit = async (event) => {
    event.preventDefault();
    problem.hidden = true;
    for (const node of form.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
    go.disabled = true;
    try {
      const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
      result.replaceChildren(...[await send(values, form)].flat().filter(Boolean));
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      const at = form.elements[error.field] ?? form.elements[0];
      at.setAttribute("aria-invalid", "true");
      at.focus();
    }
    go.disabled = false;
  };
  const form = el("form", { class: "form", onsubmit, novalidate: true, "aria-label": label }, fields.map(control), go);
  return el("div", null, form, problem, result);
}

function control({ name, label, type = "text", options, placeholder, value, begins }) {
  const input = options
    ? el("select", { name }, options.map(([key, words]) => el("option", { value: key }, words)))
    : el("input", { name, type, placeholder, value, autocomplete: "off" });
  return el("label", null, el("span", null, label), input, begins && !options && watched(input, begins));
}

/** Says while it is typed that something else was pasted than what begins so. */
function watched(input, begins) {
  const hint = el("span", { class: "bad", role: "status", hidden: true }, `It has to begin with ${begins}`);
  input.addEventListener("input", () => {
    const text = input.value.trim();
    hint.hidden = text.startsWith(begins) || begins.startsWith(text);
    input.setAttribute("aria-invalid", String(!hint.hidden));
  });
  return hint;
}
