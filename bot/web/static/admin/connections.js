/** Accounts at services: what is connected, what it may do, when it ends, what is left to do. */
import { el, fill, button, notice, span, copy } from "../shared/dom.js";
import { call, get, post } from "../shared/api.js";
import { moment, distance } from "../shared/words.js";
import { formOf } from "./form.js";
import { remover } from "./remover.js";

const ABOUT = "Accounts that agents may act for. Tokens are sealed, renewed before they end, and sent to their own service alone; nothing is published without a yes.";
const BY_KEY = "Stripe and the site of the blog are connected by a key: see Channels.";
const LATER = "Each of these wants an app of yours at the service once; what it takes stands with it.";
const CALLBACKS = { deletion: "Data deletion", deauthorize: "Deauthorise", events: "Security events" };
const LOOKS = { active: ["good", "connected"], ends: ["wait", "ends soon"], broken: ["bad", "broken"] };

export async function connectionsPage(main) {
  const [{ items }, services] = await Promise.all([get("/v1/connections"), get("/v1/services")]);
  const rank = ({ name, app }) => (items.some((item) => item.provider === name) ? 0 : app ? 1 : 2);
  const sorted = services.items.sort((one, two) => rank(one) - rank(two) || one.title.localeCompare(two.title));
  const ready = sorted.filter((service) => rank(service) < 2).map((service) => section(service, items));
  const rest = sorted.filter((service) => rank(service) === 2).map((service) => section(service, items));
  const more = rest.length > 0 && [el("h2", null, "To set up"), el("p", { class: "meta limit" }, LATER), el("div", { class: "services limit" }, rest)];
  fill(main, el("p", { class: "meta limit" }, ABOUT), el("p", { class: "meta limit" }, el("a", { href: "/admin/channels" }, BY_KEY)), ready, more);
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function section(service, items) {
  const node = el("section", { class: "limit", id: service.name, "aria-label": service.title });
  draw(node, service, items.filter((item) => item.provider === service.name));
  return node;
}

async function again(node, name) {
  const [{ items }, services] = await Promise.all([get("/v1/connections"), get("/v1/services")]);
  draw(node, services.items.find((item) => item.name === name), items.filter((item) => item.provider === name));
}

function draw(node, service, items) {
  const isMeant = location.hash === `#${service.name}`;
  if (!items.length && !service.app) return fill(node, el("details", { open: isMeant }, el("summary", null, service.title), app(node, service)));
  const state = items.length ? null : span("soft", "not connected");
  const label = items.length ? "Connect anew, or another" : "Connect";
  fill(
    node,
    el("h2", null, service.title, " ", state),
    items.map((item) => connection(node, item)),
    service.app && el("details", { open: isMeant || !items.length }, el("summary", null, label), connector(service)),
    el("details", { open: isMeant && !service.app }, el("summary", null, service.app ? "Our app there" : "Set up"), app(node, service)),
  );
  return node;
}

/** One account: how it is, what it may do, and its two buttons. */
function connection(node, item) {
  const [kind, word] = LOOKS[item.status];
  const result = el("div", { role: "status" });
  const facts = [
    ["Account", [item.name, item.agent && ` for ${item.agent} alone`, " ", span(kind, word)]],
    ["May", [item.features.filter(({ on }) => on).map(({ title }) => title).join(", ") || "say who it is"]],
    item.missing.length && ["Not granted", [item.missing.join(", ")]],
    ["Lasts", [ends(item)]],
    item.checked_at && ["Checked", [distance(item.checked_at)]],
  ].filter(Boolean);
  return el(
    "div",
    { class: "account" },
    el("dl", { class: "facts" }, facts.map(([name, words]) => [el("dt", null, name), el("dd", null, words)])),
    item.error && notice(item.error, { bad: true }),
    el("p", { class: "pager" }, checker(node, item, result), ender(node, item, result)),
    result,
  );
}

function ends({ status, renewed, ends_at: at }) {
  if (status === "broken") return "It has ended. Connect it anew.";
  if (renewed) return at ? `renewed by itself, as long as it is used before ${moment(at)}` : "renewed by itself";
  return at ? `${moment(at)}; connect it anew before that` : "never by itself";
}

function checker(node, item, result) {
  const made = button("Check", async () => {
    made.disabled = true;
    try {
      await post(`/v1/connections/${encodeURIComponent(item.id)}/check`);
      await again(node, item.provider);
    } catch (error) {
      made.disabled = false;
      fill(result, notice(error.message, { bad: true }));
    }
  });
  made.setAttribute("aria-label", `Check ${item.title}, ${item.name}`);
  return made;
}

function ender(node, item, result) {
  let sure = false;
  const made = button("Disconnect", async () => {
    if (!sure) {
      sure = true;
      made.textContent = "Really disconnect?";
      made.classList.add("danger");
      return;
    }
    made.disabled = true;
    try {
      const { said } = await call("DELETE", `/v1/connections/${encodeURIComponent(item.id)}`);
      await again(node, item.provider);
      node.append(notice(said));
    } catch (error) {
      made.disabled = false;
      fill(result, notice(error.message, { bad: true }));
    }
  });
  made.setAttribute("aria-label", `Disconnect ${item.title}, ${item.name}`);
  return made;
}

/** What it shall be allowed, and the way to the service's own page. */
function connector(service) {
  const given = location.hash === `#${service.name}` ? new URLSearchParams(location.search) : new URLSearchParams();
  const agent = given.get("agent") ?? "";
  const go = el("a", { class: "button", "aria-label": `Connect ${service.title}` }, `Go to ${service.title}`);
  const boxes = service.features.map(({ name, title, asked }) => {
    const box = el("input", { type: "checkbox", value: name, checked: asked });
    box.addEventListener("change", () => aim());
    return [box, el("label", { class: "choice" }, box, " ", title)];
  });
  const aim = () => {
    const features = boxes.filter(([box]) => box.checked).map(([box]) => box.value).join(",");
    const query = new URLSearchParams({ features });
    if (agent) query.set("agent", agent);
    if (given.get("scopes")) query.set("scopes", given.get("scopes"));
    go.href = `/oauth/${encodeURIComponent(service.name)}/start?${query}`;
  };
  aim();
  return [
    boxes.length > 0 && el("fieldset", { class: "choices" }, el("legend", null, "It may"), boxes.map(([, label]) => label)),
    given.get("scopes") && el("p", { class: "meta" }, `And what an agent needed: ${given.get("scopes")}`),
    agent && el("p", { class: "meta" }, `For ${agent} alone.`),
    el("p", { class: "pager" }, go),
  ];
}

/** The app at the service: where it is made, what it must be told, its ID and secret. */
function app(node, service) {
  const { name, title, wants, redirect, callbacks } = service;
  const fields = wants.map((want) => ({
    name: want.name,
    label: `${want.about}${want.needed ? "" : " (optional)"}`,
    type: want.secret ? "password" : "text",
  }));
  const form = formOf(fields, `Keep the app of ${title}`, async (values) => {
    const options = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
    await call("PUT", `/v1/services/${encodeURIComponent(name)}`, { options });
    await again(node, name);
  });
  return [
    el("ul", { class: "plainly" }, service.to_do.map((line) => el("li", null, line))),
    service.verification === "pending" && el("p", { class: "meta" }, `${title} has not verified an app of this house yet: until then only its own people may be able to connect.`),
    el("dl", { class: "facts" }, address("Redirect address", redirect), callbacks.map((url) => address(CALLBACKS[url.split("/").pop()], url))),
    service.app === "settings" && el("p", { class: "meta" }, "The app stands in the settings. One that you enter here is used in its place."),
    service.app === "own" && el("p", { class: "meta" }, "An app of this workspace is set."),
    form,
    service.app === "own" && el("p", { class: "pager" }, remover(`/v1/services/${encodeURIComponent(name)}`, `Forget the app of ${title}`, () => again(node, name), "Forget the app")),
  ];
}

function address(label, url) {
  const press = button("Copy", () => copy(url, press));
  press.setAttribute("aria-label", `Copy: ${label}`);
  return [el("dt", null, label), el("dd", { class: "wrap" }, el("code", null, url), " ", press)];
}
