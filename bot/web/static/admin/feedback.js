/** What people thought of answers, newest first: a thumb, the words with it, and the answer. */
import { el, fill, span } from "../shared/dom.js";
import { moment } from "../shared/words.js";
import { reveal } from "../shared/reveal.js";
import { listOf } from "./list.js";

const SHORT = 120;

export async function feedbackPage(main) {
  const list = listOf({
    path: "/v1/feedback",
    label: "Feedback",
    empty: { text: "Nobody has rated an answer yet. The thumbs stand below each answer.", label: "Open the chat", href: "/chat" },
    columns: [
      { name: "When", tight: true, cell: ({ at, event, message }) => el("a", { href: `/admin/events/${encodeURIComponent(event || message)}` }, el("time", { datetime: at }, moment(at))) },
      { name: "Rating", tight: true, cell: ({ value }) => span(value === "up" ? "good" : "bad", value === "up" ? "Good" : "Bad") },
      { name: "Answer", cell: ({ text }) => reveal(brief(text)) },
      { name: "Why", cell: ({ detail }) => (detail ? reveal(detail) : "") },
      { name: "By", tight: true, cell: ({ person }) => reveal(person.name) },
      { name: "Agent", tight: true, cell: ({ agent }) => agent },
      { name: "Model", tight: true, cell: ({ model }) => model ?? "" },
    ],
  });
  fill(main, list.node);
  await list.refresh();
}

function brief(text) {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > SHORT ? `${line.slice(0, SHORT)}…` : line || "(no text)";
}
