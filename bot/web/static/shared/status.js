/**
 * The one line about the system, the count of waiting approvals beside it and in the tab's title.
 * It is asked for every fifteen seconds while the page is in sight, and after every decision.
 */
import { el, fill, part, span } from "./dom.js";
import { get } from "./api.js";
import { money, moment } from "./words.js";

const EVERY_MS = 15000;
const state = { title: document.title, pending: 0, latest: null, watchers: [] };

/** Starts asking; `watch(status)` gets each answer, and null when nobody answers. */
export function watchStatus(watch) {
  state.watchers.push(watch);
  setInterval(() => document.visibilityState === "visible" && refreshStatus(), EVERY_MS);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refreshStatus());
  document.addEventListener("pending-changed", refreshStatus);
  return refreshStatus();
}

export async function refreshStatus() {
  try {
    show(await get("/v1/status"));
  } catch (error) {
    lose(error);
  }
  for (const watch of state.watchers) watch(state.latest);
  return state.latest;
}

/** The name of what is on the page; the count stands before it. */
export function setTitle(title) {
  state.title = title;
  drawTitle();
}

export function setPending(number) {
  state.pending = number ?? 0;
  const badge = part("pending");
  if (badge) {
    badge.hidden = !state.pending;
    fill(badge, String(state.pending), span("unseen", " waiting"));
  }
  drawTitle();
}

function drawTitle() {
  document.title = (state.pending ? `(${state.pending}) ` : "") + state.title;
}

function show(status) {
  state.latest = status;
  setPending(status.pending);
  const line = part("system");
  const down = status.channels.filter((channel) => !channel.up);
  fill(
    line,
    el("span", { title: `since ${moment(status.running_since)}, version ${status.version}` }, dot(true), "Running"),
    el("span", { class: status.offline ? "wait" : null }, status.offline ? "Offline model" : status.model),
    channels(status.channels, down),
    tally(status.queued, `${status.queued} queued`, "nothing queued"),
    tally(status.pending, `${status.pending} waiting for approval`, "no approvals waiting"),
    trouble(status),
    span("push", `${money(status.spent_today_micros)} today`),
  );
}

function channels(all, down) {
  if (down.length) return el("span", { class: "bad", title: down.map(({ name, detail }) => `${name}: ${detail}`).join("\n") }, dot(false), `${down.map(({ name }) => name).join(", ")} down`);
  return el("span", { title: all.map(({ name, detail }) => `${name}: ${detail || "up"}`).join("\n") }, `${all.map(({ name }) => name).join(", ")} up`);
}

/** A number that matters, or the words for none, which a narrow screen leaves out. */
function tally(number, some, none) {
  return span(number ? "wait" : "only-wide", number ? some : none);
}

/** Said only when there is some: what keeps messages from being answered, failures, doubts. */
function trouble({ dead, doubts, problems = [] }) {
  return [problems.map((problem) => span("bad", problem)), dead > 0 && span("bad", `${dead} failed`), doubts > 0 && span("bad", `${doubts} in doubt`)];
}

function dot(isOn) {
  return el("span", { class: isOn ? "dot" : "dot off", "aria-hidden": "true" });
}

function lose(error) {
  if (state.latest && error.status && error.status !== 401) return;
  state.latest = null;
  const way = error.action?.href && el("a", { href: error.action.href }, error.action.label);
  fill(part("system"), span("bad", dot(false), error.status === 0 ? "Switchboard does not answer; trying again" : error.message), way);
}
