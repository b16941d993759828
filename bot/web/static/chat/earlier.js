/** Older messages of a conversation: a page of them when somebody scrolls up to its top. */
import { el } from "../shared/dom.js";
import { get, query } from "../shared/api.js";

const SHOWN = 100;
const NEAR_PX = 120;

/** The address of a page of the messages. */
export function page(view, asked) {
  return query(`/v1/conversations/${encodeURIComponent(view.conversation)}/messages`, asked);
}

/** The last messages before a position; `view.before` is where the page before them ends. */
export async function older(view, before) {
  const found = await get(page(view, { limit: SHOWN, before }));
  view.before = found.next;
  return found.items;
}

/** A button that brings older messages; `ready` gets what they need, `draw` puts them in. */
export function earlier(view, { ready, draw, fail }) {
  const made = el("button", { type: "button", class: "button", "data-part": "earlier" }, "Show earlier messages");
  made.addEventListener("click", async () => {
    const { epoch } = view;
    made.disabled = true;
    try {
      const items = await older(view, view.before);
      if (epoch === view.epoch) await ready(view, items);
      if (epoch === view.epoch) draw(view, made, items);
    } catch (error) {
      if (epoch === view.epoch) fail(view, error);
    } finally {
      made.disabled = false;
    }
  });
  return made;
}

/** To scroll up to the button is to press it. */
export function reach({ node, scroller }) {
  const isShort = scroller.scrollHeight <= scroller.clientHeight + NEAR_PX;
  if (scroller.scrollTop < NEAR_PX && !isShort) node.querySelector(":scope > [data-part=earlier]:enabled")?.click();
}
