/**
 * The first screen: one sentence, the steps of setting up until they are done, and the last five
 * events with how they ended. Nothing here is a tour; what is done is gone.
 */
import { el, told, ownAddress, button, span } from "../shared/dom.js";
import { get } from "../shared/api.js";
import { brief, moment, capital } from "../shared/words.js";
import { keyForm } from "../shared/key.js";

const ENDINGS = { answered: ["Answered", "good"], decided: ["Decided", "good"], merged: ["Merged", "soft"], ignored: ["Ignored", "soft"], failed: ["Failed", "bad"] };
const OFFLINE_TRY = "publish \"We are open on Sunday\" on the blog";

/** Fetches what the screen needs and returns it as one node. */
export async function startScreen({ status, agents, conversations, write, mended }) {
  const owner = told("role") === "owner";
  const [people, events] = await Promise.all([owner ? list("/v1/people?limit=2") : [], list("/v1/events?limit=5")]);
  const steps = owner ? setupSteps({ status, conversations, people, write, mended }) : [];
  return el("div", { class: "start" }, lead(agents, status, write), steps.length > 0 && stepList(steps), events.length > 0 && eventList(events));
}

/** A list of the API; empty when this person may not see it. */
async function list(path) {
  try {
    return (await get(path)).items;
  } catch {
    return [];
  }
}

function lead(agents, status, write) {
  const offline = status?.offline;
  return el(
    "div",
    null,
    el("p", { class: "lead" }, agents.length ? "What should be done?" : "There is no agent yet."),
    el("p", null, agents.length ? "Agents answer here. What they do in your name waits for your yes." : "Agents are Markdown files in the agents folder; a new one appears here at once."),
    offline && el("p", null, "Try: ", el("button", { type: "button", class: "text-button", onclick: () => write(OFFLINE_TRY) }, OFFLINE_TRY)),
  );
}

/** The steps, or none when all are done. The server may bring its own as `status.setup`. */
function setupSteps({ status, conversations, people, write, mended }) {
  if (!status) return [];
  const own = [
    { title: "Say something to an agent", done: conversations.length > 0, label: "Write", press: () => write("") },
    { title: "Use a real model instead of the offline one", done: !status.offline, form: () => keyForm(mended) },
    { title: "Add a colleague", done: people.length > 1, label: "Add", href: "/admin/people" },
  ];
  const steps = status.setup?.length ? status.setup : own;
  return steps.every((step) => step.done) ? [] : steps;
}

function stepList(steps) {
  const action = (step) => step.form?.() ?? (step.press ? button(step.label, step.press) : step.href && el("a", { class: "button", href: ownAddress(step.href) }, step.label ?? "Open"));
  const line = (step) => el("li", { class: step.done ? "done" : null }, span("", step.title, step.done && span("unseen", " (done)")), !step.done && action(step));
  return el("section", { "aria-labelledby": "steps-name" }, el("h2", { id: "steps-name" }, "Setting up"), el("ol", { class: "steps" }, steps.map(line)));
}

function eventList(events) {
  const line = ({ id, at, channel, kind, text, ending, detail }) => {
    const [word, tone] = ENDINGS[ending] ?? ["In progress", "wait"];
    return el(
      "li",
      null,
      el("time", { class: "meta", datetime: at, title: moment(at) }, brief(at)),
      el("a", { class: "grow", href: ownAddress(`/admin/events/${id}`) }, text || capital(kind)),
      span("meta only-wide", channel),
      el("span", { class: tone, title: detail || null }, word),
    );
  };
  return el("section", { "aria-labelledby": "events-name" }, el("h2", { id: "events-name" }, "Last events"), el("ul", { class: "rows" }, events.map(line)));
}
