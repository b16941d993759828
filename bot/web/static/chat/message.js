/** One message of a conversation: said by a person, an agent or the house. */
import { el, icon, iconButton, copy, notice, announce, ownAddress, span, told } from "../shared/dom.js";
import { clock, moment, size } from "../shared/words.js";
import { load } from "../shared/load.js";
import { reveal } from "../shared/reveal.js";
import { renderInto } from "./markdown.js";
import { lead, hold } from "./outward.js";

const FRAME_MS = 16;
const DRAWING_SHARE = 4; // a drawing that took long is followed by four times as long without one

/**
 * A message as it is stored. `follows`: the same speaker goes on, so the name is left out. `said`
 * gives the texts of people in `conversation`: an address that they wrote is led to straight away.
 */
export function messageNode(message, { name, follows = false, conversation, said }) {
  const { id, role, text, turn, footer } = message;
  const body = renderInto(el("div", { class: "text", dir: "auto" }), text, message.outside ? (node) => lead(node, conversation, said()) : undefined);
  const node = el("article", { class: classes(role, follows), "data-id": id, "data-turn": turn, "aria-label": `${name}, ${clock(message.at)}` });
  if (role !== "system" && !follows) node.append(header(name, message));
  node.append(body);
  if (message.attachments?.length) node.append(attachments(message.attachments));
  if (message.action && isOpen(message.action.href)) node.append(el("a", { class: "button mend", href: ownAddress(message.action.href) }, message.action.label));
  if (role === "assistant") node.append(actions(message, footer));
  return node;
}

/** Whether this person may go there: the administration is for owners. */
function isOpen(href) {
  return told("role") === "owner" || !href.startsWith("/admin");
}

/** An answer that is being written; `write` appends to it, `clear` starts it anew. */
export function draftNode(name) {
  const body = el("div", { class: "text", dir: "auto" });
  const node = el("article", { class: "message assistant", "aria-busy": "true", "aria-label": `${name}, writing` }, el("header", null, el("strong", null, name)), body);
  let text = "";
  let asked = false;
  let rest = 0;
  const draw = () => {
    asked = false;
    const from = performance.now();
    renderInto(body, text, hold);
    node.dispatchEvent(new CustomEvent("grown", { bubbles: true }));
    rest = (performance.now() - from) * DRAWING_SHARE;
  };
  const ask = () => {
    if (!asked) setTimeout(() => requestAnimationFrame(draw), rest < FRAME_MS ? 0 : rest);
    asked = true;
  };
  const write = (delta) => {
    text += delta;
    ask();
  };
  const clear = () => {
    text = "";
    ask();
  };
  return { node, write, clear };
}

/** A message of this person that is on its way, with its state and what can be done about it. */
export function pendingNode(entry, name, { retry, change }) {
  const state = el("span", { class: "meta", role: "status" }, "Sending…");
  const body = renderInto(el("div", { class: "text", dir: "auto" }), entry.text);
  const node = el("article", { class: "message user", "data-key": entry.key, "aria-label": `${name}, not sent yet` }, el("header", null, el("strong", null, name), state), body);
  if (entry.files.length) node.append(attachments(entry.files));
  let problem = null;
  const fail = (reason, extra = null) => {
    node.classList.add("failed");
    state.textContent = "Not sent";
    problem?.remove();
    problem = notice(reason, { bad: true, action: { label: "Send again", press: retry } });
    problem.append(el("button", { type: "button", class: "text-button", onclick: change }, "Change it"));
    if (extra) problem.append(extra);
    node.append(problem);
    announce(`Not sent. ${reason}`, true);
  };
  const busy = () => {
    node.classList.remove("failed");
    state.textContent = "Sending…";
    problem?.remove();
  };
  const sent = (turn) => {
    node.dataset.turn = turn;
    state.textContent = "";
  };
  return { node, fail, busy, sent };
}

function classes(role, follows) {
  return `message ${role}${follows ? " follows" : ""}`;
}

function header(name, { at, turn }) {
  const time = el("time", { datetime: at, title: `${moment(at)}: how this came about` }, clock(at));
  const link = turn ? el("a", { class: "meta", href: ownAddress(`/admin/events/${turn}`), "aria-label": `${clock(at)}, how this came about` }, time) : span("meta", time);
  return el("header", null, el("strong", null, reveal(name)), link);
}

function attachments(files) {
  const line = ({ id, name, size: bytes }) => el("li", null, icon("clip"), id ? el("a", { class: "name", href: `/v1/files/${encodeURIComponent(id)}`, download: name }, reveal(name)) : span("name", reveal(name)), span("meta", size(bytes)));
  return el("ul", { class: "files", "aria-label": "Attached files" }, files.map(line));
}

/** What can be done with an answer: copy, and say whether it was good. */
function actions({ id, text, feedback, footer }, given) {
  const thumbs = [["up", "Good answer"], ["down", "Bad answer"]].map(([value, label]) => iconButton(value, label, (event) => give(id, value, event.currentTarget), { "aria-pressed": String(feedback === value) }));
  const copier = iconButton("copy", "Copy the text", (event) => copy(text, event.currentTarget));
  return el("footer", { class: "actions" }, copier, thumbs, (given ?? footer) && span("foot-text", reveal(given ?? footer)));
}

async function give(id, value, pressed) {
  (await load("later")).rate(id, value, pressed);
}
