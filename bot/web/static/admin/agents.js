/** The team: who there is, what each does and may use; the text of one, to be rewritten. */
import { el, fill, span, button, announce } from "../shared/dom.js";
import { call, get } from "../shared/api.js";
import { capital } from "../shared/words.js";
import { listOf } from "./list.js";
import { remover } from "./remover.js";

export function agentsPage(main) {
  const editor = el("section", { hidden: true });
  const list = listOf({
    path: "/v1/agents",
    label: "Agents",
    empty: { text: "There is no agent yet. An agent is a Markdown file in the agents folder; it appears here at once.", label: "Look again", press: () => location.reload() },
    columns: [
      { name: "Agent", cell: ({ name, emoji }) => [span("mark", `${emoji || capital(name)[0]} `), el("strong", null, capital(name))] },
      { name: "Does", cell: ({ title }) => title },
      { name: "May use", cell: ({ tools }) => (tools?.length ? el("details", null, el("summary", null, `${tools.length} tools`), tools.join(", ")) : "no tools") },
      { name: "", tight: true, cell: ({ name }) => el("a", { class: "button", href: `/chat?agent=${encodeURIComponent(name)}`, "aria-label": `Write to ${capital(name)}` }, "Write") },
      { name: "", tight: true, cell: ({ name }) => labelled(button("Edit", () => edit(name)), `Edit ${capital(name)}`) },
    ],
  });
  const edit = async (name) => {
    fill(editor, ...formOf(await get(`/v1/agents/${encodeURIComponent(name)}`), edit, list));
    editor.hidden = false;
    editor.querySelector("textarea").focus();
  };
  fill(main, list.node, editor);
  return list.refresh();
}

function labelled(node, label) {
  node.setAttribute("aria-label", label);
  return node;
}

function formOf({ name, text, file, own, version }, again, list) {
  const path = `/v1/agents/${encodeURIComponent(name)}`;
  const area = el("textarea", { name: "text", rows: 24, class: "code", spellcheck: "false" });
  area.value = text;
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const onsubmit = async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      await call("PUT", path, { text: area.value, version });
      announce("Saved");
      await list.refresh();
      await again(name);
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      area.focus();
    }
  };
  const reset = own ? remover(path, `Reset ${capital(name)} to the file`, async () => { await list.refresh(); if (file) await again(name); else location.reload(); }, "Reset to the file") : null;
  const form = el("form", { class: "form tall", onsubmit, "aria-label": `Edit ${capital(name)}` },
    el("label", null, el("span", null, own ? "Your own version, which shadows the file" : "As the file has it; saving makes a version of your own"), area),
    el("div", { class: "choices" }, el("button", { type: "submit", class: "button" }, "Save"), reset));
  const below = own && file ? el("details", null, el("summary", null, "The file below it"), el("pre", null, file)) : null;
  return [el("h2", null, capital(name)), form, problem, below].filter(Boolean);
}
