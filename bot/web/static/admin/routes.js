/** Who answers what: the rules, a test of them, a new one. */
import { el, fill, span } from "../shared/dom.js";
import { get, post, query } from "../shared/api.js";
import { capital } from "../shared/words.js";
import { listOf, plainTable } from "./list.js";
import { formOf } from "./form.js";
import { remover } from "./remover.js";

const PARTS = [["channel", "Channel", "slack"], ["workspace", "Workspace", "T0123"], ["place", "Place", "C0123"], ["thread", "Thread", ""], ["person", "Person", "U0123"], ["address", "Number or address", "help@example.org"]];

export async function routesPage(main) {
  const { items: agents } = await get("/v1/agents?limit=200");
  const list = rules();
  const inputs = PARTS.map(([name, label, placeholder]) => ({ name, label, placeholder }));
  const test = formOf([...inputs, { name: "mention", label: "Mentioned agent" }], "Who would answer?", explain);
  const choose = { name: "agent", label: "Agent", options: [["", "Choose…"], ...agents.map(({ name }) => [name, capital(name)])] };
  const add = formOf([...inputs, choose], "Add rule", async (values, form) => {
    await post("/v1/routes", values);
    form.reset();
    await list.refresh();
    return span("good", "The rule holds from the next message on.");
  });
  fill(
    main,
    el("section", null, el("h2", null, "Who would answer this?"), test),
    el("section", null, el("h2", null, "Rules"), el("p", { class: "meta" }, "The rule that names most wins. A tie, or none that fits, is refused and never guessed."), list.node),
    el("section", null, el("h2", null, "New rule"), el("p", { class: "meta" }, "What is left empty fits everything."), add),
  );
  await list.refresh();
}

async function explain(values) {
  const { agent, why, verdicts } = await get(query("/v1/routes/explain", values));
  const said = agent ? [el("strong", null, capital(agent)), " would answer. ", why] : [el("strong", { class: "bad" }, "Nobody"), " would answer. ", why];
  const table = plainTable("Rules and why they won or lost", [
    { name: "Rule", cell: ({ rule }) => rule },
    { name: "Agent", tight: true, cell: ({ agent: name }) => capital(name ?? "") },
    { name: "Result", tight: true, cell: ({ won }) => span(won ? "good" : "soft", won ? "wins" : "loses") },
    { name: "Why", cell: ({ why: reason }) => reason },
  ], verdicts);
  return [el("p", null, said), table];
}

function describe(rule) {
  const named = PARTS.filter(([name]) => rule[name]).map(([name]) => `${name} ${rule[name]}`);
  return named.join(" and ") || "everything else";
}

function rules() {
  const list = listOf({
    path: "/v1/routes",
    label: "Rules",
    empty: { text: "There is no rule: the default agent answers everything.", label: "Write one", press: () => document.querySelector("form[aria-label='Add rule'] input").focus() },
    columns: [
      { name: "When", cell: describe },
      { name: "Answers", tight: true, cell: ({ agent }) => capital(agent) },
      { name: "", tight: true, cell: (rule) => remover(`/v1/routes/${encodeURIComponent(rule.id)}`, `Remove the rule for ${describe(rule)}`, () => list.refresh()) },
    ],
  });
  return list;
}
