/** The story of one event: each step with its time, tokens, cost and raw data, and what was done. */
import { el, fill, part, span, button } from "../shared/dom.js";
import { get } from "../shared/api.js";
import { moment, took, money, capital } from "../shared/words.js";
import { reveal } from "../shared/reveal.js";
import { anchor } from "../shared/links.js";
import { isTyping, isDialogOpen } from "../shared/keys.js";
import { endOf, neighbours } from "./events.js";
import { peopleNames, actorName } from "./who.js";

export const TRACE_KEYS = [["j", "Next step"], ["k", "Previous step"], ["n", "Next event"], ["p", "Previous event"]];

export async function tracePage(main) {
  const id = decodeURIComponent(location.pathname.split("/").at(-1));
  const [trace, names] = await Promise.all([get(`/v1/events/${encodeURIComponent(id)}`), peopleNames()]);
  const near = { ...neighbours(id), ...(trace.previous !== undefined && { previous: trace.previous, next: trace.next }) };
  fill(main, summary(trace, near), tree(trace, names));
  bindTrace(main, near);
  document.querySelector(":target")?.querySelector("a").focus();
}

function summary(trace, near) {
  const facts = [["Event", trace.id], ["When", moment(trace.at)], ["Channel", trace.channel], ["Kind", trace.kind], ["End", endOf(trace.ending)], ["Why", trace.detail]];
  const given = facts.filter(([, value]) => value);
  return el(
    "section",
    null,
    el("div", { class: "bar" }, el("h2", null, reveal(trace.text || `${capital(trace.kind)} on ${trace.channel}`)), pages(near)),
    el("dl", { class: "facts" }, given.map(([name, value]) => [el("dt", null, name), el("dd", null, typeof value === "string" ? reveal(value) : value)])),
    trace.conversation && el("p", null, el("a", { href: `/chat/${encodeURIComponent(trace.conversation)}` }, "Open the conversation")),
  );
}

function pages({ previous, next }) {
  const link = (id, words) => (id ? el("a", { class: "button", href: `/admin/events/${encodeURIComponent(id)}` }, words) : el("button", { type: "button", class: "button", disabled: true }, words));
  return el("nav", { class: "pager", "aria-label": "Other events" }, link(previous, "Previous"), link(next, "Next"), el("a", { class: "button", href: "/admin/events" }, "All"));
}

function tree({ steps = [], effects = [], audit = [] }, names) {
  const loose = effects.filter((effect) => !steps.some(({ step }) => step === effect.step));
  const total = { title: "In all", ms: sum(steps, "ms"), tokens_in: sum(steps, "tokens_in"), tokens_out: sum(steps, "tokens_out"), micros: sum(steps, "micros") };
  if (!steps.length && !effects.length && !audit.length) return el("p", { class: "empty" }, "Nothing was done for this event.", el("a", { class: "button", href: "/admin/events" }, "All events"));
  return el(
    "section",
    { "aria-label": "Steps" },
    head(),
    el("ol", { class: "tree" }, steps.map((step) => stepItem(step, effects.filter((effect) => effect.step === step.step))), loose.map(effectItem), audit.map((entry, index) => auditItem(entry, index, names))),
    el("div", { class: "tree" }, el("div", { class: "row total" }, el("strong", null, total.title), numbers(total))),
    button("Open all raw data", openAll),
  );
}

function head() {
  return el("div", { class: "tree head", "aria-hidden": "true" }, el("div", { class: "row meta" }, span(""), span("", "Step"), span("numbers", ["Time", "Tokens in, out", "Cost"].map((word) => span("", word)))));
}

function sum(rows, name) {
  return rows.reduce((total, row) => total + (row[name] ?? 0), 0);
}

function numbers({ ms, tokens_in: into, tokens_out: out, micros }) {
  return span("numbers", span("", took(ms)), span("", into || out ? `${into.toLocaleString("en")}, ${out.toLocaleString("en")}` : ""), span("", micros ? money(micros) : ""));
}

function stepItem(step, effects) {
  const words = step.title || capital(step.kind);
  return el("li", null, row(`step-${step.step}`, words, numbers(step), step.data), effects.length > 0 && el("ol", { class: "tree" }, effects.map(effectItem)));
}

function effectItem(effect) {
  const sandbox = effect.sandbox && effect.state === "sent";
  const state = span(effect.state === "sent" ? "good" : effect.state === "failed" ? "bad" : "soft", sandbox ? "kept in the sandbox" : effect.state.replaceAll("_", " "));
  return el("li", null, row(effect.id, `Effect: ${effect.tool}`, span("wide", state, effect.url && [" ", anchor(effect.url, ["Open"], "Open")]), effect));
}

function auditItem({ at, actor, action, target, details }, index, names) {
  return el("li", null, row(`audit-${index}`, `${actorName(actor, names)}: ${action}`, span("wide soft", moment(at)), { target, ...details }));
}

/** One line with a link to itself, and its raw data behind the toggle before it. */
function row(id, words, cells, data) {
  const text = JSON.stringify(data ?? {}, null, 2);
  const line = el("div", { class: "row", id }, el("a", { href: `#${id}`, title: words }, reveal(words)), cells);
  if (text === "{}") return line;
  const raw = el("pre", { class: "raw", id: `raw-${id}`, hidden: true, tabindex: "0", role: "group", "aria-label": `Raw data of ${words}` }, reveal(text));
  const toggle = el("button", { type: "button", class: "icon-button toggle", "aria-expanded": "false", "aria-controls": raw.id, "aria-label": `Raw data of ${words}`, onclick: () => open(toggle, raw.hidden) });
  line.prepend(toggle);
  return [line, raw];
}

function open(toggle, isOpen) {
  part(toggle.getAttribute("aria-controls")).hidden = !isOpen;
  toggle.setAttribute("aria-expanded", String(isOpen));
}

function openAll(event) {
  const all = [...document.querySelectorAll(".toggle")];
  const isOpen = all.some((toggle) => toggle.getAttribute("aria-expanded") === "false");
  for (const toggle of all) open(toggle, isOpen);
  event.currentTarget.textContent = isOpen ? "Close all raw data" : "Open all raw data";
}

function bindTrace(main, { previous, next }) {
  const rows = [...main.querySelectorAll(".tree .row > a")];
  const go = (id) => id && location.assign(`/admin/events/${encodeURIComponent(id)}`);
  const step = (by) => {
    const at = rows.indexOf(document.activeElement);
    const to = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    history.replaceState(null, "", to.hash);
    to.focus();
  };
  const keys = { j: () => step(1), k: () => step(-1), n: () => go(next), p: () => go(previous) };
  document.addEventListener("keydown", (event) => {
    if (!isTyping(event) && !isDialogOpen()) keys[event.key]?.();
  });
}
