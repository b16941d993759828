/** Places of platforms: what is answered there and by whom, and saying so of one more. */
import { el, fill, notice, span } from "../shared/dom.js";
import { call, get, query } from "../shared/api.js";
import { capital, platform } from "../shared/words.js";
import { emptiness, plainTable } from "./list.js";
import { formOf } from "./form.js";
import { remover } from "./remover.js";

const ABOUT = "In channels and groups agents answer who speaks to them. Here that is changed for one place, or for a whole workspace where the place is left empty; in Slack an owner does it with /switchboard configure.";
const MANNERS = [["mentions", "who speaks to it"], ["all", "everything that is said"], ["none", "nothing"]];

/** The section; `names` are the platforms that there are. */
export function placesSection(names) {
  const body = el("div");
  show(body, names);
  return el("section", { class: "limit", "aria-label": "Places" }, el("h2", null, "Places"), el("p", { class: "meta" }, ABOUT), body);
}

async function show(body, names) {
  try {
    fill(body, await content(names));
  } catch (error) {
    fill(body, notice(error.message, { bad: true, action: { label: "Try again", press: () => show(body, names) } }));
  }
}

async function content(names) {
  const { items: agents } = await get("/v1/agents?limit=200");
  const list = el("div");
  const choose = [["", "whom the routes name"], ...agents.map(({ name }) => [name, capital(name)])];
  const fields = [
    { name: "channel", label: "Platform", options: names.map((name) => [name, platform(name)]) },
    { name: "workspace", label: "Workspace", placeholder: "T0123" },
    { name: "place", label: "Place (empty: the whole workspace)", placeholder: "C0123" },
    { name: "name", label: "Its name", placeholder: "#general" },
    { name: "agent", label: "Who answers", options: choose },
    { name: "manner", label: "What is answered", options: MANNERS },
  ];
  const form = formOf(fields, "Set the place", async ({ manner, ...where }) => {
    const told = { ...where, respond_to_mentions: manner !== "none", respond_to_all: manner === "all" };
    await call("PUT", "/v1/places", told);
    await draw(list);
    return span("good", "It holds from the next message on.");
  });
  await draw(list);
  return [list, form];
}

async function draw(node) {
  const { items } = await get("/v1/places");
  const columns = [
    { name: "Place", cell: called },
    { name: "Who answers", tight: true, cell: ({ agent }) => (agent ? capital(agent) : "as routed") },
    { name: "What is answered", tight: true, cell: manner },
    { name: "", tight: true, cell: (rule) => remover(query("/v1/places", where(rule)), `Remove the rule of ${called(rule)}`, () => draw(node)) },
  ];
  fill(node, items.length ? plainTable("Rules of places", columns, items) : emptiness({ text: "Everywhere agents answer who speaks to them." }));
}

function where({ channel, workspace, place }) {
  return { channel, workspace, place };
}

function called({ channel, workspace, place, name }) {
  return `${platform(channel)}: ${name || place || `all of ${workspace || "it"}`}`;
}

function manner({ respond_to_mentions: mentions, respond_to_all: everything }) {
  return MANNERS.find(([key]) => key === (everything ? "all" : mentions ? "mentions" : "none"))[1];
}
