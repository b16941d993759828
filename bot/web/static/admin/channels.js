/** Platforms where people already talk: which listen, and what connecting one takes. */
import { el, fill, button, notice, span } from "../shared/dom.js";
import { call, get } from "../shared/api.js";
import { platform } from "../shared/words.js";
import { formOf } from "./form.js";
import { installs } from "./installs.js";
import { ownApp } from "./own.js";
import { bulletinsSection } from "./bulletins.js";
import { placesSection } from "./places.js";

const ABOUT = "Paste what the platform gave you; docs/channels has a page for each. Tokens are sealed in the vault and never shown again. What stands in the settings is changed there.";
/** Listed beside the platforms; nobody talks there. */
const SERVICES = ["stripe", "wordpress", "ghost"];
const LOOKS = 20;
const LOOK_MS = 700;

export async function channelsPage(main) {
  const { items } = await get("/v1/channels");
  return fill(main, el("p", { class: "meta" }, ABOUT), items.map(section), placesSection(items.map(({ name }) => name)), bulletinsSection());
}

function section(channel) {
  const node = el("section", { class: "limit", "aria-label": channel.name });
  draw(node, channel);
  return node;
}

function draw(node, channel, said = null) {
  const { name, up, detail, wants, behind } = channel;
  const isOff = detail === "not connected";
  const state = span(up ? "good" : isOff ? "soft" : "bad", up ? works(name) : isOff ? "not connected" : "down");
  fill(
    node,
    el("h2", null, platform(name), " ", state),
    !up && !isOff && notice(detail, { bad: true }),
    said,
    up && SERVICES.includes(name) && el("p", { class: "meta" }, detail),
    up && !SERVICES.includes(name) && el("details", { open: said !== null }, el("summary", null, "Send a test message"), tester(name)),
    behind && notice(behind, { bad: true }),
    channel.manifest && (!up || behind) && manifest(name),
    wants.length > 0 && el("details", { open: !up && !isOff }, el("summary", null, up ? "Connect it anew" : "Connect"), connector(node, channel)),
    !isOff && el("p", { class: "pager" }, remover(node, name)),
    ...apps(channel),
  );
}

/** Where its apps are installed, and one more for one agent. */
function apps(channel) {
  if (!channel.manifest) return [];
  const there = el("div", null, installs(channel.name));
  const again = () => fill(there, installs(channel.name));
  return [there, channel.own?.length > 0 && ownApp(channel, again)];
}

function works(name) {
  return SERVICES.includes(name) ? "is connected" : "listens";
}

/** What the platform makes an app of, fetched when it is wanted. */
function manifest(name) {
  const body = el("div");
  const more = el("details", null, el("summary", null, "The app's manifest"), body);
  more.addEventListener("toggle", async () => {
    if (!more.open || body.childElementCount) return;
    try {
      const found = await get(`/v1/channels/${encodeURIComponent(name)}/manifest`);
      fill(body, el("p", { class: "meta" }, `Version ${found.version}. Paste this where ${platform(name)} makes an app from a manifest.`), el("pre", { tabindex: "0" }, JSON.stringify(found.manifest, null, 2)));
    } catch (error) {
      fill(body, notice(error.message, { bad: true }));
    }
  });
  return more;
}

/** The form; where there are several ways to connect it, one is chosen first. */
function connector(node, channel) {
  const { ways = [] } = channel;
  if (!ways.length) return connectForm(node, channel);
  const body = el("div");
  const onchange = () => fill(body, connectForm(node, channel, ways.find(({ name }) => name === choice.value)));
  const choice = el("select", { onchange }, ways.map(({ name, title }) => el("option", { value: name }, title)), el("option", { value: "" }, "Everything there is to say"));
  onchange();
  return el("div", null, el("div", { class: "form" }, el("label", null, el("span", null, "By"), choice)), body);
}

/** One line to a place, so that whoever connected it sees it arrive. */
function tester(name) {
  const label = "Place: #general, a number or an address; empty: the chat that you saved";
  return formOf([{ name: "place", label }], "Send a test message", async ({ place }) => {
    const sent = await call("POST", `/v1/channels/${encodeURIComponent(name)}/test`, { place });
    return span("good", `A test message stands in ${sent.place}.`);
  }, { label: `Test ${name}` });
}

/** What the platform said of what was pasted. */
function checkedOf({ team, bot, missing = [], notes = [], checked }, name) {
  const who = [team, bot && `bot ${bot}`].filter(Boolean).join(", ");
  return el(
    "div",
    { role: "status" },
    who && el("p", null, `Connected: ${who}.`),
    checked === false && notice(`It was not checked: ${platform(name)} was not asked.`, { bad: true }),
    missing.length > 0 && notice(`Scopes missing: ${missing.join(", ")}. docs/channels says how to add them.`, { bad: true }),
    notes.map((note) => el("p", { class: "meta" }, note)),
  );
}

function connectForm(node, { name, wants }, way) {
  const asked = way ? way.asks.flat().map((key) => wants.find((want) => want.name === key)) : wants;
  const fields = asked.map((want) => ({
    name: want.name,
    label: `${want.about || want.name}${want.needed || way?.needs.includes(want.name) ? "" : " (optional)"}`,
    type: want.secret ? "password" : "text",
    begins: want.begins,
  }));
  const put = async (values, unchecked) => {
    const options = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
    const said = await call("PUT", `/v1/channels/${encodeURIComponent(name)}`, unchecked ? { options, unchecked } : { options });
    const found = await settled(name);
    draw(node, found, SERVICES.includes(name) ? null : checkedOf(said, name));
  };
  const word = SERVICES.includes(name) ? "Connect" : "Check and connect";
  return formOf(fields, word, async (values) => {
    try {
      return await put(values, false);
    } catch (error) {
      if (error.code !== "not_checked") throw error;
      return [notice(error.message, { bad: true }), keeper(() => put(values, true))];
    }
  }, { label: `Connect ${name}` });
}

/** Keeps what could not be checked, where an owner says so. */
function keeper(keep) {
  const made = button("Keep it unchecked", async () => {
    made.disabled = true;
    try {
      await keep();
    } catch (error) {
      made.disabled = false;
      made.after(notice(error.message, { bad: true }));
    }
  });
  return made;
}

/** The platform once it listens, or has said why it does not. */
async function settled(name) {
  for (let look = 0; ; look += 1) {
    const { items } = await get("/v1/channels");
    const found = items.find((item) => item.name === name);
    if (found.up || found.detail !== "starting" || look === LOOKS) return found;
    await new Promise((done) => { setTimeout(done, LOOK_MS); });
  }
}

function remover(node, name) {
  const made = button("Let go", async () => {
    made.disabled = true;
    try {
      await call("DELETE", `/v1/channels/${encodeURIComponent(name)}`);
      const { items } = await get("/v1/channels");
      draw(node, items.find((item) => item.name === name));
    } catch (error) {
      made.disabled = false;
      made.after(notice(error.message, { bad: true }));
    }
  });
  made.setAttribute("aria-label", `Let go of ${name}`);
  return made;
}
