/** An app that is one agent's own: its manifest, its tokens, or its installation in the browser. */
import { el, fill, notice, span } from "../shared/dom.js";
import { call, get } from "../shared/api.js";
import { capital, platform } from "../shared/words.js";
import { formOf } from "./form.js";

const ABOUT = "An agent may have an app of its own, with its own name and face there. Make an app of its manifest, then say what the platform gave you.";

/** The form, made when it is opened; `done()` is called when an app works. */
export function ownApp({ name, own, own_ways: ways = [] }, done) {
  const body = el("div");
  const more = el("details", null, el("summary", null, "An app for one agent"), body);
  more.addEventListener("toggle", async () => {
    if (!more.open || body.childElementCount) return;
    try {
      const { items } = await get("/v1/agents");
      fill(body, ...chosen(name, own, ways, items, done));
    } catch (error) {
      fill(body, notice(error.message, { bad: true }));
    }
  });
  return more;
}

/** Who it is for, how it is connected, and the form for both. */
function chosen(name, own, ways, agents, done) {
  const body = el("div");
  const agent = el("select", { onchange: draw }, agents.map((one) => el("option", { value: one.name }, capital(one.name))));
  const way = el("select", { onchange: draw }, ways.map((one) => el("option", { value: one.name }, one.title)));
  function draw() {
    fill(body, manifest(name, agent.value), connectForm(name, agent.value, own, ways.find((one) => one.name === way.value), done));
  }
  draw();
  const choice = (label, node) => el("label", null, el("span", null, label), node);
  return [el("p", { class: "meta" }, ABOUT), el("div", { class: "form" }, choice("Agent", agent), ways.length > 0 && choice("By", way)), body];
}

function manifest(name, agent) {
  const body = el("div");
  const more = el("details", null, el("summary", null, `The manifest of ${capital(agent)}'s app`), body);
  more.addEventListener("toggle", async () => {
    if (!more.open || body.childElementCount) return;
    try {
      const found = await get(`/v1/channels/${encodeURIComponent(name)}/manifest?agent=${encodeURIComponent(agent)}`);
      fill(body, el("p", { class: "meta" }, `Version ${found.version}. Paste this where ${platform(name)} makes an app from a manifest.`), el("pre", { tabindex: "0" }, JSON.stringify(found.manifest, null, 2)));
    } catch (error) {
      fill(body, notice(error.message, { bad: true }));
    }
  });
  return more;
}

function connectForm(name, agent, own, way, done) {
  const asked = way ? way.asks.flat().map((key) => own.find((want) => want.name === key)) : own;
  const fields = asked.map((want) => ({
    name: want.name,
    label: `${want.about || want.name}${want.needed || way?.needs.includes(want.name) ? "" : " (optional)"}`,
    type: want.secret ? "password" : "text",
    begins: want.begins,
  }));
  const label = `Connect the app of ${agent}`;
  return formOf(fields, way?.name === "oauth" ? "Install it" : "Connect", async (values, form) => {
    const options = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
    const made = await call("PUT", `/v1/channels/${encodeURIComponent(name)}/agents/${encodeURIComponent(agent)}`, { options });
    form.reset();
    if (made.href) {
      location.assign(made.href);
      return span("soft", `On the way to ${platform(name)}.`);
    }
    await done();
    return made.status === "active" ? span("good", `${capital(agent)} listens in ${made.name || made.workspace}.`) : span("bad", made.error);
  }, { label });
}
