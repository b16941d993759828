/**
 * The two forms inside an approval card: editing what will be done (which approves it in the same
 * step), and a note for a question or a rejection. Esc leaves a form and changes nothing.
 */
import { el, button, announce, span } from "./dom.js";
import { capital } from "./words.js";
import { reveal, hiddenCount } from "./reveal.js";

const NOTE = {
  ask: { label: (agent) => `Your question to ${agent}`, send: "Send question", need: true, busy: "Sending…" },
  reject: { label: (agent) => `Why not? ${agent} reads this (optional)`, send: "Reject", need: false, busy: "Rejecting…" },
};

/** A form for a note; `send` gets the text. */
export function noteForm(approval, choice, { send, close }) {
  const { label, send: word, need, busy } = NOTE[choice];
  const text = el("textarea", { rows: "2", name: "note" });
  const check = () => (need && !text.value.trim() ? "Write your question first." : "");
  return frame([el("label", null, span("", label(capital(approval.agent))), text)], { word, busy, close, check, danger: choice === "reject", submit: () => send(text.value.trim()) });
}

/** A form with a control for each argument that may be edited; `send` gets the new arguments. */
export function editForm(approval, { send, close }) {
  const deeds = approval.effects?.length ? approval.effects : [{ id: "", title: approval.shown.title, arguments: approval.arguments }];
  const several = deeds.length > 1;
  const parts = deeds.map((deed) => deedPart(deed, approval.shown, several));
  const submit = () => {
    const values = parts.map((part) => part.read());
    if (!several) return send(values[0]);
    return send(Object.fromEntries(deeds.map((deed, index) => [deed.id, values[index]])));
  };
  const check = () => (parts.every((part) => part.isStruck()) ? "Everything is struck out. Reject it instead." : "");
  return frame(parts.map((part) => part.node), { word: "Approve this version", busy: "Approving…", close, check, submit });
}

function deedPart(deed, shown, several) {
  const args = deed.arguments ?? {};
  const controls = editableNames(args, shown).map((name) => control(name, args[name], shown));
  const keep = el("input", { type: "checkbox", checked: true });
  const isStruck = () => several && !keep.checked;
  const read = () => {
    if (isStruck()) return null;
    return { ...args, ...Object.fromEntries(controls.map(({ name, value }) => [name, value()])) };
  };
  const fields = controls.map(({ node }) => node);
  if (!several) return { node: fields, read, isStruck };
  keep.addEventListener("change", () => fields.forEach((field) => field.toggleAttribute("hidden", !keep.checked)));
  const title = el("legend", null, el("label", { class: "check" }, keep, el("b", null, reveal(deed.title))));
  return { node: el("fieldset", null, title, fields), read, isStruck };
}

/** What the card names as editable and what its text shows; when it names nothing, everything. */
function editableNames(args, shown) {
  const named = new Set((shown.fields ?? []).map((field) => field.editable).filter(Boolean));
  const names = Object.keys(args).filter((name) => named.has(name) || (shown.body && args[name] === shown.body));
  return names.length ? names : Object.keys(args);
}

function control(name, value, shown) {
  const field = (shown.fields ?? []).find(({ editable }) => editable === name);
  const words = field?.name ?? capital(name.replaceAll("_", " "));
  const kind = kindOfValue(value);
  const input = CONTROLS[kind].make(value, field ? field.long : name === "text");
  input.name = name;
  const read = () => CONTROLS[kind].read(input);
  const node = kind === "flag" ? el("label", { class: "check" }, input, words) : el("label", null, span("", words), input);
  const hidden = kind === "text" && hiddenCount(value);
  if (!hidden) return { name, value: read, node };
  const strip = (event) => {
    input.value = input.value.replace(/(?!\n|\t)[\p{Cc}\p{Cf}\p{DI}\p{Zl}\p{Zp}\p{Co}]/gu, "");
    announce("Hidden characters removed");
    event.currentTarget.remove();
    input.focus();
  };
  return { name, value: read, node: el("div", null, node, button(`Remove ${hidden} hidden character${hidden === 1 ? "" : "s"}`, strip)) };
}

function kindOfValue(value) {
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "flag";
  if (typeof value === "number") return "number";
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? "lines" : "json";
}

const CONTROLS = {
  text: {
    make: (value, isLong) => {
      const node = el(isLong || value.length > 60 || value.includes("\n") ? "textarea" : "input", { rows: "4", dir: "auto" });
      node.value = value;
      return node;
    },
    read: (input) => input.value,
  },
  lines: { make: (value) => el("textarea", { rows: "3" }, value.join("\n")), read: (input) => input.value.split("\n").map((line) => line.trim()).filter(Boolean) },
  number: { make: (value) => el("input", { type: "number", step: "any", value: String(value) }), read: (input) => Number(input.value) },
  flag: { make: (value) => el("input", { type: "checkbox", checked: value }), read: (input) => input.checked },
  json: { make: (value) => el("textarea", { rows: "3", spellcheck: "false" }, JSON.stringify(value ?? null, null, 2)), read: (input) => JSON.parse(input.value) },
};

/** The form around the controls: its errors stay in it, and a failed send leaves all as typed. */
function frame(controls, { word, busy, close, check, submit, danger = false }) {
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const go = el("button", { type: "submit", class: danger ? "button danger" : "button" }, word);
  const fail = (text, field = "") => {
    problem.textContent = text;
    problem.hidden = false;
    const at = form.elements[field.split(".").at(-1)] ?? form.querySelector("textarea, input");
    at?.setAttribute("aria-invalid", "true");
    at?.focus();
  };
  const onsubmit = async (event) => {
    event.preventDefault();
    for (const node of form.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
    problem.hidden = true;
    const missing = check();
    if (missing) return fail(missing);
    go.disabled = true;
    go.textContent = busy;
    try {
      await submit();
    } catch (error) {
      fail(error instanceof SyntaxError ? "This is not valid JSON." : error.message, error.field);
    }
    go.disabled = false;
    go.textContent = word;
    return undefined;
  };
  const onkeydown = (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === "Enter" && event.target.matches("input")) {
      event.preventDefault(); // a yes is given on purpose, never by the end of a line
    }
  };
  const form = el("form", { onsubmit, onkeydown, novalidate: true }, controls, problem, el("div", { class: "choices" }, button("Cancel", close), go));
  return form;
}
