/** Dialogs: the browser keeps focus inside, Esc closes, and focus goes back to where it was. */
import { el, iconButton } from "./dom.js";

/** Shows `parts` in a dialog below a heading and returns it; it leaves the page when it closes. */
export function openDialog(title, parts, { kind = "", onclose = () => {} } = {}) {
  const from = document.activeElement;
  const node = el("dialog", { class: kind, "aria-label": title }, el("header", null, el("h2", null, title), iconButton("close", "Close", () => node.close())), parts);
  show(node, from, onclose);
  return node;
}

/** Shows a dialog that brings everything itself. */
export function showBare(node, onclose = () => {}) {
  show(node, document.activeElement, onclose);
}

function show(node, from, onclose) {
  node.addEventListener("close", () => {
    node.remove();
    if (from?.isConnected) from.focus();
    onclose();
  });
  node.addEventListener("click", (event) => event.target === node && node.close());
  document.body.append(node);
  node.showModal();
}
