/** The keys of every page: Ctrl-K, `/` and `?`. */
import { part } from "./dom.js";
import { openPalette, openHelp } from "./palette.js";

/**
 * Binds the keys. `entries()` gives what can be gone to beside the pages, each
 * `{label, kind, press}`; `keys` are this page's own shortcuts; `write` takes focus to where one
 * writes, for `/` and for the first letter of whoever just begins.
 */
export function bindKeys({ entries = () => [], keys = [], write = null }) {
  const palette = () => isDialogOpen() || openPalette(entries);
  const help = () => isDialogOpen() || openHelp(keys);
  part("open-palette").addEventListener("click", palette);
  part("open-help").addEventListener("click", help);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      palette();
    } else if (!isTyping(event) && event.key === "?") {
      event.preventDefault();
      help();
    } else if (!isTyping(event) && write && !isDialogOpen() && (event.key === "/" || isWriting(event))) {
      if (event.key === "/") event.preventDefault();
      write();
    }
  });
}

/** Whether somebody begins to write with nothing in focus: the letter then lands where one writes. */
function isWriting({ key, target }) {
  return key.length === 1 && key !== " " && !target.closest?.("a, button, summary, [tabindex='0']");
}

/** Whether a key belongs to a field, or to the browser. */
export function isTyping(event) {
  return event.ctrlKey || event.metaKey || event.altKey || Boolean(event.target.closest?.("input, textarea, select, [contenteditable]"));
}

export function isDialogOpen() {
  return document.querySelector("dialog[open]") !== null;
}
