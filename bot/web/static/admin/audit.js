/** The book that nobody edits: who did what, to what, when. */
import { el, fill } from "../shared/dom.js";
import { moment } from "../shared/words.js";
import { reveal } from "../shared/reveal.js";
import { listOf } from "./list.js";

export function auditPage(main) {
  const list = listOf({
    path: "/v1/audit",
    label: "Audit",
    empty: { text: "Nothing has been written down yet.", label: "Back to the chat", href: "/chat" },
    columns: [
      { name: "When", tight: true, cell: ({ at }) => el("time", { datetime: at }, moment(at)) },
      { name: "Who", tight: true, cell: ({ actor }) => reveal(actor ?? "") },
      { name: "Did", tight: true, cell: ({ action }) => action },
      { name: "To", cell: ({ target }) => reveal(target ?? "") },
      { name: "Details", cell: ({ details }) => (details && Object.keys(details).length ? el("code", null, reveal(JSON.stringify(details))) : "") },
    ],
  });
  fill(main, list.node);
  return list.refresh();
}
