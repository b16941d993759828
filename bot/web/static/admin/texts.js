/** Text messages: our numbers, the threads on them, what did not arrive, who wants no more. */
import { el, fill, button, span } from "../shared/dom.js";
import { get, post } from "../shared/api.js";
import { capital, count, moment } from "../shared/words.js";
import { reveal } from "../shared/reveal.js";
import { emptiness, listOf, plainTable } from "./list.js";
import { formOf } from "./form.js";

const STATES = { ours: ["good", "come here"], elsewhere: ["soft", "go elsewhere"], gone: ["bad", "no longer ours"] };
const FEW = 20;

export async function textsPage(main) {
  const numbers = el("div");
  const opened = el("div", { role: "status" });
  const threads = threadList(opened);
  const fallen = await few("/v1/sms/undelivered", "Texts that did not arrive", FALLEN, "No text is known to be lost.");
  const out = await few("/v1/sms/opt-outs", "Who said it", OUT, "Nobody has said anything.");
  fill(
    main,
    section("Numbers", "An agent has the number that a route gives it; the others send from the default one.", numbers),
    section("Threads", null, threads.node, opened),
    section("Did not arrive", null, fallen),
    section("STOP and START", "Whoever opted out is not texted, whatever is approved. Only they can change that.", out),
  );
  await Promise.all([draw(numbers), threads.refresh()]);
}

function section(title, about, ...parts) {
  return el("section", { "aria-label": title }, el("h2", null, title), about && el("p", { class: "meta" }, about), ...parts);
}

async function draw(node) {
  const { items } = await get("/v1/sms/numbers");
  if (!items.length) {
    fill(node, emptiness({ text: "No number is connected.", label: "Connect one", href: "/admin/channels" }));
    return;
  }
  const fields = [
    { name: "number", label: "Number", options: items.map(({ number }) => [number, number]) },
    { name: "purpose", label: "What it is for", placeholder: "orders" },
    { name: "default", label: "Agents without a number", options: [["", "send as before"], ["yes", "send from this one"]] },
  ];
  const form = formOf(fields, "Say what it is for", async ({ number, purpose, default: isDefault }) => {
    const told = { ...(purpose && { purpose }), ...(isDefault && { default: true }) };
    await post(`/v1/sms/numbers/${encodeURIComponent(number)}`, told);
    await draw(node);
  });
  fill(node, plainTable("Numbers", NUMBERS, items), form);
}

const NUMBERS = [
  { name: "Number", tight: true, cell: ({ number, label }) => [number, label && label !== number && el("span", { class: "meta" }, ` ${label}`)] },
  { name: "Agent", tight: true, cell: ({ agent }) => (agent ? capital(agent) : el("a", { href: "/admin/routes" }, "by rule")) },
  { name: "For", cell: ({ purpose }) => reveal(purpose) },
  { name: "Default", tight: true, cell: ({ default: isDefault }) => (isDefault ? "default" : "") },
  { name: "Texts", tight: true, cell: ({ state }) => span(...(STATES[state] ?? ["soft", state])) },
];

const FALLEN = [
  { name: "When", tight: true, cell: ({ changed_at: at }) => time(at) },
  { name: "To", tight: true, cell: ({ contact }) => contact },
  { name: "From", tight: true, cell: ({ number }) => number },
  { name: "Why", cell: ({ error }) => reveal(error) },
];

const OUT = [
  { name: "When", tight: true, cell: ({ at }) => time(at) },
  { name: "Who", tight: true, cell: ({ contact }) => contact },
  { name: "Our number", tight: true, cell: ({ number }) => number },
  { name: "Now", tight: true, cell: ({ state }) => span(state === "out" ? "bad" : "good", state === "out" ? "no texts" : "texts again") },
  { name: "Said", cell: ({ how }) => reveal(how) },
];

const MESSAGES = [
  { name: "When", tight: true, cell: ({ at }) => time(at) },
  { name: "Way", tight: true, cell: ({ way }) => way },
  { name: "State", tight: true, cell: ({ state }) => state },
  { name: "Length", tight: true, cell: ({ segments }) => count(segments, "segment") },
  { name: "Why not", cell: ({ error }) => reveal(error) },
];

function threadList(opened) {
  return listOf({
    path: "/v1/sms/threads",
    label: "Threads",
    empty: { text: "Nothing was texted yet." },
    columns: [
      { name: "Who", cell: ({ contact, name }) => (name ? [reveal(name), el("span", { class: "meta" }, ` ${contact}`)] : contact) },
      { name: "Our number", tight: true, cell: ({ number }) => number },
      { name: "Messages", tight: true, cell: ({ heard, said }) => `${heard} heard, ${said} said` },
      { name: "Last", tight: true, cell: ({ last, last_at: at }) => [time(at), last === "in" ? ", from them" : ", from us"] },
      { name: "", tight: true, cell: (thread) => button("Messages", () => open(opened, thread)) },
    ],
  });
}

async function open(node, { number, contact }) {
  const { items } = await get(`/v1/sms/threads/${encodeURIComponent(number)}/${encodeURIComponent(contact)}`);
  const title = `${count(items.length, "message")} between ${number} and ${contact}`;
  fill(node, el("p", { class: "meta" }, title), plainTable(title, MESSAGES, items));
  node.scrollIntoView({ block: "nearest" });
}

async function few(path, label, columns, nothing) {
  const { items } = await get(`${path}?limit=${FEW}`);
  return items.length ? plainTable(label, columns, items) : emptiness({ text: nothing });
}

function time(at) {
  return el("time", { datetime: at }, moment(at));
}
