/** Going anywhere by keyboard: a list of agents, conversations and pages; and the list of keys. */
import { el, fill, told, span } from "./dom.js";
import { openDialog, showBare } from "./dialogs.js";

const MOST = 40;
const PAGES = [
  ["Status", "/admin"], ["Agents", "/admin/agents"], ["Approvals", "/admin/approvals"], ["Routes", "/admin/routes"], ["Policies", "/admin/policies"], ["Channels", "/admin/channels"], ["Texts", "/admin/texts"], ["Mail", "/admin/mail"], ["Connections", "/admin/connections"], ["MCP", "/admin/mcp"], ["People", "/admin/people"],
  ["Events", "/admin/events"], ["Schedules", "/admin/schedules"], ["Feedback", "/admin/feedback"], ["Audit", "/admin/audit"], ["Sandbox", "/admin/sandbox"],
];

function pageEntries() {
  const pages = told("role") === "owner" ? PAGES.map(([label, href]) => ({ label, kind: "Page", href })) : [];
  return [{ label: "New conversation", kind: "Chat", href: "/chat" }, { label: "Blog", kind: "Page", href: "/blog" }, { label: "Files", kind: "Page", href: "/admin/files" }, { label: "Memory", kind: "Page", href: "/admin/memory" }, ...pages];
}

const KEYS = [["Ctrl K", "Go to an agent, a conversation or a page"], ["/", "Write a message"], ["?", "These shortcuts"], ["Esc", "Close, and go back to where you were"]];

/** Shows all that can be gone to: the pages, and what `entries()` gives as `{label, kind, press}`. */
export function openPalette(entries) {
  const view = { all: [...entries(), ...pageEntries()], found: [], at: 0 };
  const field = el("input", { type: "text", role: "combobox", "aria-label": "Go to", "aria-expanded": "true", "aria-controls": "choices", "aria-autocomplete": "list", autocomplete: "off", placeholder: "Go to an agent, a conversation, a page" });
  const choices = el("ul", { id: "choices", role: "listbox", "aria-label": "Results" });
  const none = el("p", { hidden: true }, "Nothing has this name.");
  const node = el("dialog", { class: "palette", "aria-label": "Go to" }, field, choices, none);
  const pick = (entry) => {
    node.close();
    if (entry.press) entry.press();
    else location.assign(entry.href);
  };
  const draw = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    view.found = view.all.filter(({ label, kind }) => words.every((word) => `${label} ${kind}`.toLowerCase().includes(word))).slice(0, MOST);
    view.at = Math.min(view.at, Math.max(view.found.length - 1, 0));
    fill(choices, view.found.map((entry, index) => el("li", { id: `choice-${index}`, role: "option", "aria-selected": String(index === view.at), onclick: () => pick(entry) }, span("", entry.label), span("meta", entry.kind))));
    choices.hidden = !view.found.length;
    none.hidden = view.found.length > 0;
    field.setAttribute("aria-activedescendant", view.found.length ? `choice-${view.at}` : "");
    choices.children[view.at]?.scrollIntoView({ block: "nearest" });
  };
  const move = (by) => {
    view.at = (view.at + by + view.found.length) % Math.max(view.found.length, 1);
    draw();
  };
  field.addEventListener("input", () => {
    view.at = 0;
    draw();
  });
  field.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (steps[event.key]) {
      event.preventDefault();
      move(steps[event.key]);
    } else if (event.key === "Enter" && view.found[view.at]) {
      event.preventDefault();
      pick(view.found[view.at]);
    }
  });
  draw();
  showBare(node);
  field.focus();
}

/** Shows the keys: those of this page and those of every page. */
export function openHelp(keys) {
  openDialog("Shortcuts", el("dl", { class: "keys" }, [...keys, ...KEYS].map(([key, words]) => [el("dt", null, el("kbd", null, key)), el("dd", null, words)])));
}
