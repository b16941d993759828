/** Mail: what became of it, and the addresses that nothing more is sent to. */
import { el, fill, span } from "../shared/dom.js";
import { get } from "../shared/api.js";
import { moment } from "../shared/words.js";
import { reveal } from "../shared/reveal.js";
import { emptiness, listOf, plainTable } from "./list.js";
import { remover } from "./remover.js";

const ABOUT = "A mail that came back for good, or was reported as unwanted, closes its address for every later mail. Whoever wrote to us after a bounce is open again by itself.";
const STATES = { bounced: ["bad", "came back"], complained: ["bad", "unwanted"], failed: ["bad", "not sent"], delivered: ["good", "delivered"] };
const MOST = 200;

export async function mailPage(main) {
  const closed = el("div");
  const news = newsList();
  fill(
    main,
    el("section", { "aria-label": "Closed addresses" }, el("h2", null, "Closed addresses"), el("p", { class: "meta" }, ABOUT), closed),
    el("section", { "aria-label": "News" }, el("h2", null, "News"), news.node),
  );
  await Promise.all([draw(closed), news.refresh()]);
}

async function draw(node) {
  const { items } = await get(`/v1/mail/closed?limit=${MOST}`);
  const columns = [
    { name: "When", tight: true, cell: ({ at }) => time(at) },
    { name: "Address", cell: ({ address }) => reveal(address) },
    { name: "Why", tight: true, cell: state },
    { name: "In their words", cell: ({ detail }) => reveal(detail) },
    { name: "", tight: true, cell: ({ address }) => remover(`/v1/mail/closed/${encodeURIComponent(address)}`, `Open again ${address}`, () => draw(node), "Open again") },
  ];
  fill(node, items.length ? plainTable("Closed addresses", columns, items) : emptiness({ text: "Every address is open." }));
}

function newsList() {
  return listOf({
    path: "/v1/mail/news",
    label: "News",
    empty: { text: "No carrier has said anything yet." },
    columns: [
      { name: "When", tight: true, cell: ({ at }) => time(at) },
      { name: "Address", cell: ({ address }) => reveal(address) },
      { name: "What", tight: true, cell: state },
      { name: "Details", cell: ({ detail }) => reveal(detail) },
    ],
  });
}

function state({ state: name }) {
  return span(...(STATES[name] ?? ["soft", name]));
}

function time(at) {
  return el("time", { datetime: at }, moment(at));
}
