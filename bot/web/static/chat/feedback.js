/** What a person thinks of an answer: a thumb, and for a bad one a reason. */
import { el, notice, announce } from "../shared/dom.js";
import { post } from "../shared/api.js";

/** Saves a thumb and shows it at once; a bad one may say why. */
export async function rate(id, value, pressed) {
  const row = pressed.parentElement;
  const before = [...row.querySelectorAll("[aria-pressed]")].map((node) => [node, node.getAttribute("aria-pressed")]);
  for (const [node] of before) node.setAttribute("aria-pressed", String(node === pressed));
  row.parentElement.querySelector(".why")?.remove();
  try {
    await post(`/v1/messages/${encodeURIComponent(id)}/feedback`, { value });
    announce("Thank you, noted");
    if (value === "down") row.after(whyForm(id, value));
  } catch (error) {
    for (const [node, value] of before) node.setAttribute("aria-pressed", value);
    row.after(closable(error.message));
  }
}

function closable(text) {
  const made = notice(text, { bad: true, close: () => made.remove() });
  return made;
}

function whyForm(id, value) {
  const field = el("input", { name: "detail", "aria-label": "What was wrong?", placeholder: "What was wrong? (optional)" });
  const onsubmit = async (event) => {
    event.preventDefault();
    try {
      if (field.value.trim()) await post(`/v1/messages/${encodeURIComponent(id)}/feedback`, { value, detail: field.value.trim() });
      form.remove();
      announce("Thank you, noted");
    } catch (error) {
      form.after(closable(error.message));
    }
  };
  const form = el("form", { class: "key-form why", onsubmit, onkeydown: (event) => event.key === "Escape" && form.remove() }, field, el("button", { type: "submit", class: "button" }, "Send"));
  return form;
}
