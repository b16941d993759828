/** Everything that came in, newest first, and how each ended. */
import { el, fill, span } from "../shared/dom.js";
import { moment, capital } from "../shared/words.js";
import { listOf } from "./list.js";

const ENDS = { answered: "good", decided: "good", merged: "soft", ignored: "soft", failed: "bad" };
const STORE = "events";

export function eventColumns() {
  return [
    { name: "When", tight: true, cell: ({ at }) => el("time", { datetime: at }, moment(at)) },
    { name: "What", cell: ({ id, text, kind }) => el("a", { href: `/admin/events/${encodeURIComponent(id)}` }, text || capital(kind)) },
    { name: "Kind", tight: true, cell: ({ kind }) => kind },
    { name: "Channel", tight: true, cell: ({ channel }) => channel },
    { name: "End", tight: true, cell: ({ ending, detail }) => endOf(ending, detail) },
  ];
}

/** How an event ended, in its colour; one without an end is still under way. */
export function endOf(ending, detail = "") {
  return span(ending ? ENDS[ending] ?? "soft" : "wait", ending ? capital(ending) : "In progress", detail && el("span", { class: "unseen" }, `: ${detail}`));
}

export function eventsPage(main) {
  const list = listOf({
    path: "/v1/events",
    label: "Events",
    empty: { text: "Nothing has happened yet.", label: "Write to an agent", href: "/chat" },
    columns: eventColumns(),
    onrows: (rows) => sessionStorage.setItem(STORE, JSON.stringify(rows.map(({ id }) => id))),
  });
  fill(main, list.node);
  return list.refresh();
}

/** The events before and after one, in the order of the list that was seen last. */
export function neighbours(id) {
  const ids = JSON.parse(sessionStorage.getItem(STORE) ?? "[]");
  const at = ids.indexOf(id);
  return at < 0 ? {} : { previous: ids[at - 1], next: ids[at + 1] };
}
