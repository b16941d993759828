/** The book that nobody edits: who did what, to what, when. */
import { el, fill } from "../shared/dom.js";
import { moment } from "../shared/words.js";
import { reveal } from "../shared/reveal.js";
import { listOf } from "./list.js";
import { peopleNames, actorName, targetPart } from "./who.js";

const SHORT = 28;

export async function auditPage(main) {
  const names = await peopleNames();
  const list = listOf({
    path: "/v1/audit",
    label: "Audit",
    empty: { text: "Nothing has been written down yet.", label: "Back to the chat", href: "/chat" },
    columns: [
      { name: "When", tight: true, cell: ({ at }) => el("time", { datetime: at }, moment(at)) },
      { name: "Who", tight: true, cell: ({ actor }) => reveal(actorName(actor, names)) },
      { name: "Did", cell: ({ action }) => action },
      { name: "To", tight: true, cell: ({ target }) => targetPart(target, names) },
      { name: "Details", cell: ({ details }) => detailsPart(details ?? {}) },
    ],
  });
  fill(main, list.node);
  await list.refresh();
}

/** The details in one line; opened, exactly as they were written down. */
function detailsPart(details) {
  const pairs = Object.entries(details);
  if (!pairs.length) return "";
  const brief = (value) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return text.length > SHORT ? `${text.slice(0, SHORT)}…` : text;
  };
  const line = pairs.map(([name, value]) => `${name} ${brief(value)}`).join(", ");
  return el("details", null, el("summary", null, reveal(line)), el("pre", { class: "raw" }, reveal(JSON.stringify(details, null, 2))));
}
