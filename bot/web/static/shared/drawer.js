/** The side bar as a drawer on narrow screens: closed by Esc, by a choice, and by going elsewhere. */
import { part } from "./dom.js";

/** Binds the drawer of the shell and returns a function that closes it. */
export function bindDrawer() {
  const side = part("side");
  const opener = part("side-open");
  const set = (isOpen) => {
    side.classList.toggle("open", isOpen);
    opener.setAttribute("aria-expanded", String(isOpen));
  };
  const close = () => {
    if (!side.classList.contains("open")) return;
    set(false);
    opener.focus();
  };
  opener.addEventListener("click", () => {
    set(true);
    part("side-close").focus();
  });
  part("side-close").addEventListener("click", close);
  side.addEventListener("keydown", (event) => event.key === "Escape" && close());
  document.addEventListener("pointerdown", (event) => side.classList.contains("open") && !side.contains(event.target) && close());
  side.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !side.contains(relatedTarget) && set(false));
  return close;
}
