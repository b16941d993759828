/**
 * The conversation on the page: what is stored, what is being written, what waits for a decision.
 * It is drawn from the API when it is opened and kept true by its stream; every event may come
 * twice or late, so all of them are applied by id.
 */
import { el, fill, part, notice, mend, announce, told } from "../shared/dom.js";
import { get, query, wantsKey, mayRepeat } from "../shared/api.js";
import { day, capital } from "../shared/words.js";
import { load } from "../shared/load.js";
import { messageNode, draftNode, pendingNode } from "./message.js";
import { follow } from "./stream.js";
import { page, older, earlier, reach } from "./earlier.js";
import { keyForm } from "../shared/key.js";
import { newEntry, newLine, waitingIn, drop, sendInOrder } from "./outbox.js";

const PAGE = 1000;
const SHOWN = 100;
const NEAR_PX = 120;
const UNDERWAY_MS = 8000;
const GONE = { message: "This conversation does not exist, or is not open to you.", action: { label: "New conversation", href: "/chat" } };

/** A thread in `node`. `on` tells the page: `state`, `link`, `opened`, `again`, `change`, `mended`, `names`, `offline`. */
export function thread(node, scroller, on) {
  const view = { node, scroller, on, conversation: "", stream: null, shown: new Map(), drafts: new Map(), acts: new Map(), cards: new Map(), heeded: new Set(), after: 0, epoch: 0, line: newLine() };
  node.addEventListener("grown", () => settle(view));
  scroller.addEventListener("scroll", () => {
    drawLatest(view);
    reach(view);
  }, { passive: true });
  part("latest").addEventListener("click", () => toEnd(view));
  return {
    open: (conversation, isNew = false) => open(view, conversation, isNew),
    leave: () => leave(view),
    send: (agent, text, files) => sendNew(view, newEntry(view.conversation, agent, text, files)),
    showWaiting: () => showWaiting(view),
    get conversation() { return view.conversation; },
  };
}

function leave(view) {
  view.stream?.close();
  view.epoch++;
  Object.assign(view, { conversation: "", stream: null, stick: true, after: 0, before: null, last: null, line: newLine() });
  for (const map of [view.shown, view.drafts, view.acts, view.cards]) map.clear();
  fill(view.node);
}

/**
 * Opens a conversation: what is stored first, then the stream from behind the last message, so that
 * nothing falls between. One that a message has just begun (`isNew`) keeps that message, and those that
 * were written around it, on the page and gets everything from the stream.
 */
async function open(view, conversation, isNew) {
  const kept = isNew ? [...view.node.querySelectorAll(":scope > [data-key]")] : [];
  const { line } = view;
  leave(view);
  view.conversation = conversation;
  if (isNew) view.line = line;
  view.node.append(...kept);
  if (isNew || (await catchUp(view))) listen(view);
}

function listen(view) {
  let wasLost = false;
  view.stream = follow(view.conversation, {
    after: () => view.after,
    event: (name, data) => apply(view, name, data),
    state: (state) => {
      if (wasLost && state === "live") view.kit?.refreshUnderway(view.cards.keys());
      wasLost = state === "lost";
      view.on.link(state);
    },
    look: () => catchUp(view).then(() => view.kit?.refreshUnderway(view.cards.keys())),
  });
}

/**
 * Fetches what is stored and not yet known, and draws it: a conversation from its newest hundred
 * on. Returns whether it could be had and is still the one on the page.
 */
async function catchUp(view) {
  const { epoch } = view;
  try {
    const items = await newMessages(view);
    if (epoch !== view.epoch) return false;
    await fetchCards(view, items);
    if (epoch !== view.epoch) return false;
    show(view, items);
    return true;
  } catch (error) {
    if (epoch === view.epoch) fail(view, error.status === 404 ? GONE : error);
    return false;
  }
}

async function newMessages(view) {
  if (!view.after) return older(view, Number.MAX_SAFE_INTEGER);
  const items = [];
  let { after } = view;
  do {
    const found = await get(page(view, { limit: PAGE, after }));
    items.push(...found.items);
    after = found.next;
  } while (after);
  return items;
}

/** The script that draws approvals, loaded with the first of them. */
async function cards(view) {
  view.kit = await load("later");
  return view.kit;
}

/** Fetches the approvals that messages name, in one request where that is enough. */
async function fetchCards(view, items) {
  const wanted = new Set(items.map((item) => item.approval).filter(Boolean));
  if (!wanted.size) return;
  const [kit, page] = await Promise.all([cards(view), get(query("/v1/approvals", { conversation: view.conversation, limit: 200 }))]);
  page.items.forEach(kit.keepApproval);
  const missing = [...wanted].filter((id) => !kit.knownApproval(id));
  await Promise.allSettled(missing.slice(-SHOWN).map(kit.refreshApproval));
}

function show(view, items) {
  const fresh = items.filter((item) => !view.shown.has(item.id));
  const first = view.shown.size === 0;
  view.after = Math.max(view.after, ...items.map((item) => item.n ?? 0));
  view.stick = first || isNearEnd(view);
  if (first && view.before) view.node.prepend(earlier(view, { ready: fetchCards, draw: showEarlier, fail }));
  for (const item of fresh) addMessage(view, item, !first);
  showWaiting(view);
  if (first && !view.node.childElementCount) view.node.append(el("p", { class: "empty" }, "Nothing has been said here yet. Write the first message below."));
  settle(view);
}

/** Draws older messages above the others; what is being read stays where it is. */
function showEarlier(view, made, items) {
  const anchor = made.nextSibling;
  const from = view.scroller.scrollHeight - view.scroller.scrollTop;
  let before = null;
  for (const item of items) {
    view.node.insertBefore(dayLine(item, before), anchor);
    for (const child of parts(view, item, before)) view.node.insertBefore(child, anchor);
    before = item;
  }
  if (before && anchor?.className === "day" && anchor.textContent === day(before.at)) anchor.remove();
  if (!view.before) made.remove();
  view.scroller.scrollTop = view.scroller.scrollHeight - from;
}

function addMessage(view, message, aloud = true) {
  const old = view.shown.get(message.id);
  view.after = Math.max(view.after, message.n ?? 0);
  finishDraft(view, message);
  if (old) return replace(view, old, message);
  takeBack(view, message);
  view.node.querySelector(".empty")?.remove();
  const before = view.last;
  const nodes = [dayLine(message, before), ...parts(view, message, before)];
  const at = view.node.querySelector(":scope > [data-key]:not([data-turn]), :scope > .activity, :scope > [aria-busy=true]");
  for (const node of nodes) view.node.insertBefore(node, at);
  view.last = message;
  if (aloud && message.role !== "user") announce(`${nameOf(view, message)}: ${message.text.slice(0, 300)}`);
  if (aloud && message.approval) heed(view, view.kit?.knownApproval(message.approval));
  return undefined;
}

/** The nodes of one message: itself and the card that it carries. */
function parts(view, message, before) {
  const follows = Boolean(before) && before.role === message.role && before.agent === message.agent && before.turn === message.turn && !before.approval;
  const node = messageNode(message, { name: nameOf(view, message), follows, ...around(view) });
  view.shown.set(message.id, { message, node, follows });
  if ((message.footer && view.on.offline()) || isAboutKey(message)) offerKey(view, node);
  const approval = message.approval && view.kit?.knownApproval(message.approval);
  if (!approval) return [node];
  const card = cardOf(view, approval);
  if (card.contains(document.activeElement)) return [node];
  return message.text ? [node, card] : [card];
}

/** The conversation, and the texts of people in it as far as it is shown. */
function around({ conversation, shown }) {
  return { conversation, said: () => [...shown.values()].flatMap(({ message }) => (message.role === "user" ? message.text : [])) };
}

/** The one card of an approval in this thread; it stands below the newest message that names it. */
function cardOf(view, approval) {
  const card = view.cards.get(approval.id) ?? view.kit.approvalCard(approval, { again: view.on.again });
  view.cards.set(approval.id, card);
  return card;
}

function replace(view, old, message) {
  const node = messageNode(message, { name: nameOf(view, message), follows: old.follows, ...around(view) });
  old.node.replaceWith(node);
  view.shown.set(message.id, { ...old, message, node });
}

function dayLine(message, before) {
  if (before && day(before.at) === day(message.at)) return document.createDocumentFragment();
  return el("p", { class: "day" }, day(message.at));
}

/** Whether the house says that a turn failed for its key, such as `put a key that works into …`. */
function isAboutKey({ role, text, cause = "" }) {
  return role === "system" && (cause === "model.auth" || (!cause && /\bkey\b/i.test(text)));
}

/** Owners get the field for a key right below the newest answer that could be better with one. */
function offerKey(view, node) {
  if (told("role") !== "owner") return;
  view.node.querySelector(".message > .key-form")?.remove();
  node.querySelector(":scope > .mend")?.remove();
  node.append(keyForm(() => view.on.mended()));
}

function nameOf(view, { role, agent }) {
  if (role === "user") return told("person") || "You";
  return role === "system" ? "Switchboard" : view.on.names(agent);
}

const EVENTS = {
  message: (view, data) => (data.approval && !view.kit?.knownApproval(data.approval) ? addWithCard(view, data) : addMessage(view, data)),
  draft(view, { turn, agent, delta }) {
    let draft = view.drafts.get(turn);
    if (!draft) {
      draft = draftNode(view.on.names(agent));
      view.drafts.set(turn, draft);
      view.node.insertBefore(draft.node, view.acts.get(turn) ?? null);
    }
    draft.write(delta);
  },
  reset: (view, { turn }) => view.drafts.get(turn)?.clear(),
  activity: (view, { turn, text }) => act(view, turn, text),
  approval: (view, { id }) => cards(view).then((kit) => kit.refreshApproval(id)).then((approval) => addCard(view, approval)).catch((error) => fail(view, error)),
  state(view, { state }) {
    if (state === "idle") rest(view);
    view.on.state(state);
  },
  error: (view, data) => fail(view, data),
};

/** Nothing runs any more: what was only being written gives way to what is stored. */
function rest(view) {
  for (const turn of [...view.acts.keys()]) act(view, turn, "");
  if (!view.drafts.size) return;
  for (const { node } of view.drafts.values()) node.remove();
  view.drafts.clear();
  catchUp(view);
}

function apply(view, name, data) {
  view.stick = isNearEnd(view);
  EVENTS[name]?.(view, data);
  settle(view);
}

async function addWithCard(view, message) {
  const { epoch } = view;
  await cards(view).then((kit) => kit.refreshApproval(message.approval)).catch(() => {});
  if (epoch !== view.epoch) return;
  view.stick = isNearEnd(view);
  addMessage(view, message);
  settle(view);
}

function addCard(view, approval) {
  if (view.cards.has(approval.id) || approval.state !== "pending") return;
  view.stick = isNearEnd(view);
  view.node.append(cardOf(view, approval));
  heed(view, approval);
  settle(view);
}

/** Says once that a decision is waited for, and has the counts follow. */
function heed(view, approval) {
  if (approval?.state !== "pending" || view.heeded.has(approval.id)) return;
  view.heeded.add(approval.id);
  announce(`Waiting for your decision: ${approval.shown.title}`);
  document.dispatchEvent(new CustomEvent("pending-changed"));
}

function act(view, turn, text) {
  const node = view.acts.get(turn);
  if (!text) {
    node?.remove();
    view.acts.delete(turn);
  } else if (node) {
    node.textContent = capital(text);
  } else {
    const made = el("p", { class: "activity" }, capital(text));
    view.acts.set(turn, made);
    view.node.append(made);
  }
}

function finishDraft(view, { turn, role }) {
  const draft = view.drafts.get(turn);
  if (!draft || role !== "assistant") return;
  draft.node.remove();
  view.drafts.delete(turn);
  act(view, turn, "");
}

/** Removes the copy of a message that was on its way, now that the stored one is here. */
function takeBack(view, { turn, id, role, text }) {
  if (role !== "user") return;
  const waiting = [...view.node.querySelectorAll("[data-key]")];
  const mine = waiting.find((node) => node.dataset.turn && (node.dataset.turn === turn || node.dataset.turn === id)) ?? waiting.find((node) => !node.classList.contains("failed") && node.dataset.text === text);
  mine?.remove();
}

/** Shows what was not sent; what another tab may be sending at this moment is given some time. */
function showWaiting(view) {
  const { epoch } = view;
  for (const entry of waitingIn(view.conversation)) {
    if (view.node.querySelector(`[data-key="${entry.key}"]`)) continue;
    const age = Date.now() - new Date(entry.at);
    if (!entry.error && age < UNDERWAY_MS) {
      setTimeout(() => epoch === view.epoch && showWaiting(view), UNDERWAY_MS - age);
      continue;
    }
    const pending = addPending(view, entry);
    pending.fail(entry.error || "It was not confirmed before this page was left. Sending again cannot make a second one.");
  }
}

function addPending(view, entry) {
  const retry = () => {
    pending.busy();
    deliver(view, entry, pending);
  };
  const change = () => {
    drop(entry);
    pending.node.remove();
    view.on.change(entry);
  };
  const pending = pendingNode(entry, told("person") || "You", { retry, change });
  pending.node.dataset.text = entry.text;
  view.node.append(pending.node);
  return pending;
}

function sendNew(view, entry) {
  view.node.querySelector(".empty, .start")?.remove();
  const pending = addPending(view, entry);
  toEnd(view);
  return deliver(view, entry, pending, true);
}

async function deliver(view, entry, pending, isFresh = false) {
  try {
    const { event, conversation } = await sendInOrder(view.line, entry, isFresh);
    pending.sent(event);
    if (!entry.conversation && pending.node.isConnected) await view.on.opened(conversation);
  } catch (error) {
    const extra = wantsKey(error) && told("role") === "owner" ? keyForm(() => { view.on.mended(); pending.busy(); deliver(view, entry, pending); }) : null;
    pending.fail(error.message, extra ?? mend(error.action));
    settle(view);
  }
}

/** An error of the turn or of loading: its cause, one action, and the key field where a key mends it. */
function fail(view, error) {
  const repeat = error.status !== undefined && mayRepeat(error) ? { label: "Try again", press: () => { made.remove(); again(view); } } : null;
  const made = notice(error.message, { bad: true, action: wantsKey(error) ? null : error.action ?? repeat, close: () => made.remove() });
  if (wantsKey(error) && told("role") === "owner") made.append(keyForm(() => view.on.mended()));
  view.node.append(made);
  announce(error.message, true);
  settle(view);
}

async function again(view) {
  if ((await catchUp(view)) && !view.stream) listen(view);
}

function isNearEnd({ scroller }) {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
}

function toEnd({ scroller }) {
  scroller.scrollTop = scroller.scrollHeight;
}

/** Stays at the end for whoever is there; tells the others that something is new. */
function settle(view) {
  if (view.stick || isNearEnd(view)) toEnd(view);
  else drawLatest(view, "New messages ↓");
}

function drawLatest(view, words = "") {
  const latest = part("latest");
  if (words || latest.hidden) latest.textContent = words || "Latest ↓";
  latest.hidden = isNearEnd(view);
}
