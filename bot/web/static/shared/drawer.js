/** The side bar as a drawer on narrow screens: opened by its button, closed by Esc, by a choice or beside it. */
import { part } from "./dom.js";

const narrow = matchMedia("(max-width: 48rem)");

/** Binds the drawer of the shell and returns a function that closes it. */
export function bindDrawer() {
  const side = part("side");
  const frame = part("frame");
  const opener = part("side-open");
  const set = (isOpen) => {
    side.classList.toggle("open", isOpen);
    opener.setAttribute("aria-expanded", String(isOpen));
    frame.inert = isOpen && narrow.matches;
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
  narrow.addEventListener("change", () => set(false));
  return close;
}
