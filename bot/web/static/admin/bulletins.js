/** Kinds of messages that agents post unasked: which goes where, and one more. */
import { el, fill, notice, span } from "../shared/dom.js";
import { call, get, query } from "../shared/api.js";
import { platform } from "../shared/words.js";
import { emptiness, plainTable } from "./list.js";
import { formOf } from "./form.js";
import { remover } from "./remover.js";

const ABOUT = "What agents post when nobody asked, such as news or alarms, goes to one place for each kind. An agent names the kind; the card shows the place.";
const PLATFORMS = ["slack", "discord"];

/** The section. */
export function bulletinsSection() {
  const body = el("div");
  show(body);
  return el("section", { class: "limit", "aria-label": "Kinds of messages" }, el("h2", null, "Kinds of messages"), el("p", { class: "meta" }, ABOUT), body);
}

async function show(body) {
  try {
    fill(body, await content());
  } catch (error) {
    fill(body, notice(error.message, { bad: true, action: { label: "Try again", press: () => show(body) } }));
  }
}

async function content() {
  const list = el("div");
  const fields = [
    { name: "channel", label: "Platform", options: PLATFORMS.map((name) => [name, platform(name)]) },
    { name: "kind", label: "Kind", placeholder: "alarms" },
    { name: "place", label: "Place that the bot is in", placeholder: "#ops" },
  ];
  const form = formOf(fields, "Set the kind", async (told) => {
    const made = await call("PUT", "/v1/bulletins", told);
    await draw(list);
    return span("good", `They go to ${made.name} from now on.`);
  });
  await draw(list);
  return [list, form];
}

async function draw(node) {
  const { items } = await get("/v1/bulletins");
  const columns = [
    { name: "Kind", cell: ({ kind }) => kind },
    { name: "Goes to", cell: ({ channel, name, place }) => `${platform(channel)}: ${name || place}` },
    { name: "", tight: true, cell: (item) => (item.is_set ? "in the settings" : remover(query("/v1/bulletins", { channel: item.channel, kind: item.kind }), `Remove the kind ${item.kind}`, () => draw(node))) },
  ];
  fill(node, items.length ? plainTable("Kinds of messages", columns, items) : emptiness({ text: "There is none: agents name the place themselves." }));
}
