/** What runs unasked, what asks whom, what is refused: the rules and a new one. */
import { el, fill, span } from "../shared/dom.js";
import { get, post } from "../shared/api.js";
import { capital } from "../shared/words.js";
import { listOf } from "./list.js";
import { formOf } from "./form.js";
import { remover } from "./remover.js";

const DECISIONS = [["ask", "asks"], ["auto", "runs unasked"], ["deny", "is refused"]];

export async function policiesPage(main) {
  const paths = ["/v1/agents?limit=200", "/v1/people?limit=200", "/v1/tools"];
  const [{ items: agents }, { items: people }, { items: tools }] = await Promise.all(paths.map(get));
  const names = new Map(people.map(({ id, name }) => [id, name]));
  const list = rules(names);
  const add = formOf([
    { name: "agent", label: "Agent", options: [["", "every agent"], ...agents.map(({ name }) => [name, capital(name)])] },
    { name: "tool", label: "Tool", options: [["", "every tool"], ...tools.map(({ name }) => [name, name])] },
    { name: "decision", label: "A call", options: DECISIONS },
    { name: "above", label: "From an amount of", type: "number", placeholder: "any" },
    { name: "needs", label: "How many must say yes", type: "number", placeholder: "1" },
    { name: "approver", label: "Who decides", options: [["", "requester and owners"], ...people.map(({ id, name }) => [id, name])] },
    { name: "hours", label: "Hours until it expires", type: "number", placeholder: "168" },
  ], "Set rule", async (values, form) => {
    await post("/v1/policies", bodyOf(values));
    form.reset();
    await list.refresh();
    return span("good", "The rule holds from the next call on.");
  });
  fill(
    main,
    el("section", null, el("h2", null, "Rules"), el("p", { class: "meta" }, "The rule that names most wins. Where none fits: reading runs, writing asks, money asks. A conversation that holds text from outside asks whatever a rule says."), list.node),
    el("section", null, el("h2", null, "New rule"), el("p", { class: "meta" }, "A rule for the same agent, tool and amount takes the place of the one there is."), add),
  );
  await list.refresh();
}

function bodyOf({ agent, tool, decision, above, needs, approver, hours }) {
  const body = { agent, tool, decision, above_minor: Math.round(Number(above) * 100) };
  if (needs) body.needs = Number(needs);
  if (hours) body.hours = Number(hours);
  if (approver) body.approvers = [approver];
  return body;
}

function asks({ decision, needs, approvers, hours }, names) {
  if (decision !== "ask") return DECISIONS.find(([key]) => key === decision)[1];
  const who = approvers.length ? approvers.map((id) => names.get(id) ?? "somebody who left").join(", ") : "requester or owners";
  return [`asks ${who}`, needs > 1 ? `${needs} of them` : "", hours ? `within ${hours} h` : ""].filter(Boolean).join(", ");
}

function rules(names) {
  const list = listOf({
    path: "/v1/policies",
    label: "Rules",
    empty: { text: "There is no rule: reading runs, writing asks, money asks.", label: "Write one", press: () => document.querySelector("form[aria-label='Set rule'] select").focus() },
    columns: [
      { name: "Agent", tight: true, cell: ({ agent }) => (agent ? capital(agent) : "every agent") },
      { name: "Tool", tight: true, cell: ({ tool }) => tool || "every tool" },
      { name: "From", tight: true, cell: ({ above_minor: cents }) => (cents ? (cents / 100).toFixed(2) : "") },
      { name: "A call", cell: (rule) => asks(rule, names) },
      { name: "", tight: true, cell: (rule) => remover(`/v1/policies/${encodeURIComponent(rule.id)}`, `Remove the rule: ${rule.rule}`, () => list.refresh()) },
    ],
  });
  return list;
}
