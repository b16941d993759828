/**
 * A list of the API as a table, fifty rows at a time. Which page is shown is part of the
 * address, so that a reload and the way back lead to the same rows.
 */
import { el, fill, part, button, notice } from "../shared/dom.js";
import { get, query } from "../shared/api.js";
import { isTyping, isDialogOpen } from "../shared/keys.js";

const ROWS = 50;
export const LIST_KEYS = [["n", "Next page"], ["p", "Previous page"]];

/**
 * Draws a list. `columns` are `{name, cell(row), tight, number}`; `empty` is `{text, label, href}` or
 * `{text, label, press}`; `onrows` hears of the rows that are shown. Returns its node and `refresh`.
 */
export function listOf({ path, params = {}, columns, empty, label, onrows = () => {} }) {
  const node = el("section", { "aria-busy": "true" });
  const view = { node, path, params, columns, empty, label, onrows, next: null };
  const after = () => new URLSearchParams(location.search).get("after") ?? "";
  const refresh = () => draw(view, after());
  window.addEventListener("popstate", refresh);
  document.addEventListener("keydown", (event) => {
    if (isTyping(event) || isDialogOpen()) return;
    if (event.key === "n" && view.next) forward(view);
    if (event.key === "p" && after()) history.back();
  });
  return { node, refresh };
}

async function draw(view, after) {
  view.node.setAttribute("aria-busy", "true");
  try {
    const page = await get(query(view.path, { ...view.params, limit: ROWS, after }));
    view.next = page.next;
    view.onrows(page.items);
    fill(view.node, page.items.length ? table(view, page.items) : emptiness(view.empty), pager(view, after));
    if (after) part("main").scrollTop = 0;
  } catch (error) {
    fill(view.node, notice(error.message, { bad: true, action: { label: "Try again", press: () => draw(view, after) } }));
  }
  view.node.removeAttribute("aria-busy");
}

function forward(view) {
  history.pushState(null, "", query(location.pathname, { after: view.next }));
  draw(view, view.next);
}

function pager(view, after) {
  if (!after && !view.next) return null;
  const back = button("Previous", () => history.back());
  const on = button("Next", () => forward(view));
  back.disabled = !after;
  on.disabled = !view.next;
  return el("nav", { class: "pager", "aria-label": "Pages" }, back, on);
}

/** The sentence of an empty list and its one action. */
export function emptiness({ text, label, href, press }) {
  return el("p", { class: "empty" }, text, href && el("a", { class: "button", href }, label), press && button(label, press));
}

function table({ columns, label }, rows) {
  const kind = ({ tight, number }) => [tight && "tight", number && "number"].filter(Boolean).join(" ") || null;
  const head = columns.map((column) => el("th", { scope: "col", class: kind(column) }, column.name || el("span", { class: "unseen" }, "Actions")));
  const line = (row) => el("tr", null, columns.map((column) => el("td", { class: kind(column), "data-label": column.name }, column.cell(row))));
  return el("div", { class: "sheet" }, el("table", { "aria-label": label }, el("thead", null, el("tr", null, head)), el("tbody", null, rows.map(line))));
}

/** A table of rows that are here already. */
export function plainTable(label, columns, rows) {
  return table({ label, columns }, rows);
}
