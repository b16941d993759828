/**
 * The chat page. This file only puts the parts together and decides which conversation is open;
 * each part is a module of its own. The address is the state: going back, a reload and a second
 * tab show the same.
 */
import { el, fill, part, notice } from "./shared/dom.js";
import { get, post, query } from "./shared/api.js";
import { capital } from "./shared/words.js";
import { watchStatus, refreshStatus, setPending, setTitle } from "./shared/status.js";
import { bindKeys, isDialogOpen } from "./shared/keys.js";
import { load, warm } from "./shared/load.js";
import { bindLeave } from "./shared/leave.js";
import { bindDrawer } from "./shared/drawer.js";
import { drawSide } from "./chat/sidebar.js";
import { startScreen } from "./chat/start.js";
import { composer } from "./chat/composer.js";

const ACCESS = { ask: "Asks before acting", auto: "Acts without asking", deny: "May not act" };
const ACCESS_WHY = { ask: "Nothing is written, sent or paid before somebody says yes.", auto: "What policy allows is done at once.", deny: "Agents answer, and do nothing else." };
const LINK = { live: "", lost: "Connection lost, trying again…", out: "Signed out. Sign in, then load the page again.", gone: "No longer open to you. Load the page again." };
const LISTED = 30;

const page = { agents: [], conversations: [], next: null, status: null, me: null, agent: "", open: "", talk: null };
const closeDrawer = bindDrawer();
const writer = composer({ send });
let loading = null;

/** The thread of the page; its script is loaded with the first conversation. */
function talking() {
  loading ??= load("talk").then(({ thread }) => (page.talk = thread(part("thread"), part("main"), {
    state: showState,
    link: showLink,
    opened: (id) => go(id, { isNew: true, replace: true }),
    again: askAgain,
    change: (entry) => write(entry.text),
    mended: refreshMe,
    names: agentName,
    offline: () => Boolean(page.me?.model.offline),
  })));
  loading.catch(() => { loading = null; });
  return loading;
}

/** Hands a message to the thread; if even its script cannot be had, the words go back where they were. */
async function send(text, files) {
  try {
    const talk = await talking();
    talk.send(chosenAgent(), text, files);
  } catch (error) {
    write(text);
    say(error.message);
  }
}

function say(words) {
  fill(part("composer-note"), notice(words, { bad: true }));
}

function agentName(name) {
  return name ? capital(name) : "Switchboard";
}

/** The conversation that is open, as far as the list knows it. */
function current() {
  return page.conversations.find(({ id }) => id === page.open);
}

/** The agent to name with a message: none where the rules or the conversation say the same. */
function chosenAgent() {
  return current()?.agent === writer.agent ? "" : writer.agent;
}

/** Shows whom a message will go to: the conversation's agent, or the one chosen for a new one. */
function settleAgent() {
  writer.agent = page.open ? current()?.agent ?? "" : page.agent;
}

function write(text) {
  writer.write(text);
}

function askAgain({ agent, shown }) {
  writer.agent = agent;
  write(`Please propose this again: ${shown.title}`);
}

/** What the address names behind that word: a conversation, or a question; empty for none. */
function addressed(kind = "chat") {
  const [, word, id] = location.pathname.split("/");
  return word === kind ? decodeURIComponent(id ?? "") : "";
}

/** Opens a conversation (or none) and makes the address say so. */
async function go(id, { isNew = false, replace = false, silent = false } = {}) {
  const path = id ? `/chat/${encodeURIComponent(id)}` : "/chat";
  if (!silent && path !== location.pathname) history[replace ? "replaceState" : "pushState"](null, "", path);
  closeDrawer();
  showLink("live");
  showState("idle");
  if (!isNew) writer.place(id);
  page.open = id;
  if (!id) {
    page.talk?.leave();
    settleAgent();
    drawHead();
    await showStart();
    return;
  }
  const opening = talking().then((talk) => page.open === id && talk.open(id, isNew));
  if (isNew || !page.conversations.some((one) => one.id === id)) await refreshConversations();
  settleAgent();
  drawHead();
  if (!isNew && !silent) focusWriter();
  await opening;
}

/**
 * Takes focus to the composer, but never opens a keyboard on a touch screen unasked. After a load
 * nothing has focus: the first Tab leads to the skip link, the first letter into the composer.
 */
function focusWriter() {
  if (!isDialogOpen() && matchMedia("(pointer: fine)").matches) writer.focus();
}

function drawHead() {
  const id = page.open;
  const title = id ? current()?.title || "Conversation" : "New conversation";
  part("title").textContent = title;
  setTitle(`${title} · Switchboard`);
  part("new").toggleAttribute("aria-current", !id);
  drawSide({ ...page, more: page.next && moreConversations, here: id, agent: page.agent }, { agent: startWith, conversation: (chosen) => go(chosen) });
}

function startWith(name) {
  page.agent = name;
  go("").then(focusWriter);
}

/** The first screen, and below it what was never sent; a message that is on its way stays alone. */
async function showStart() {
  const node = part("thread");
  const screen = await startScreen({ ...page, write, mended: refreshMe });
  if (page.open || node.querySelector("[data-key]")) return;
  fill(node, screen);
  if (hasUnsent()) (await talking()).showWaiting();
}

function hasUnsent() {
  try {
    return (localStorage.getItem("outbox") ?? "[]") !== "[]";
  } catch {
    return false;
  }
}

function showState(state) {
  const runs = state === "running" || state === "ready";
  part("stop").hidden = !runs;
  const here = current();
  if (!here || here.state === state) return;
  here.state = state;
  drawHead();
  if (state === "idle") refreshConversations();
}

function showLink(state) {
  const line = part("link");
  line.textContent = LINK[state];
  line.hidden = !LINK[state];
  if (state === "lost" || state === "out") refreshStatus();
}

async function stop() {
  part("stop").disabled = true;
  try {
    await post(`/v1/conversations/${encodeURIComponent(page.open)}/stop`);
  } catch (error) {
    say(error.message);
  }
  part("stop").disabled = false;
}

async function refreshConversations() {
  const answer = await get(query("/v1/conversations", { limit: LISTED }));
  page.conversations = answer.items;
  page.next = answer.next;
  if (page.open && !writer.agent) settleAgent();
  drawHead();
}

async function moreConversations() {
  const answer = await get(query("/v1/conversations", { limit: LISTED, after: page.next }));
  page.conversations.push(...answer.items);
  page.next = answer.next;
  drawHead();
}

/** Asks anew who answers, after a key was saved; what was drawn stays. */
async function refreshMe() {
  page.me = await get("/v1/me");
  refreshStatus();
}

function entries() {
  const agents = page.agents.map(({ name, title }) => ({ label: `${capital(name)}, ${title}`, kind: "Agent", press: () => startWith(name) }));
  const conversations = page.conversations.map(({ id, title }) => ({ label: title || "Untitled", kind: "Conversation", press: () => go(id) }));
  const waiting = { label: "Approvals that wait", kind: "Inbox", press: () => inbox() };
  return [...agents, ...conversations, waiting];
}

async function inbox(id = "") {
  try {
    (await load("later")).openInbox(askAgain, id);
  } catch (error) {
    say(error.message);
  }
}

function bind() {
  bindLeave();
  bindKeys({ entries, write: () => writer.focus(), keys: [["Enter", "Send"], ["Shift Enter", "New line"], ["Ctrl Enter", "In a card: send what you wrote"]] });
  part("inbox").addEventListener("click", () => inbox());
  part("stop").addEventListener("click", stop);
  part("new").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    page.agent = "";
    go("").then(focusWriter);
  });
  part("agent").addEventListener("change", () => {
    if (page.open) return;
    page.agent = writer.agent;
    drawHead();
  });
  window.addEventListener("popstate", () => go(addressed(), { silent: true }));
  document.addEventListener("pending-changed", () => refreshConversations().catch(() => {}));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && page.me && refreshConversations().catch(() => {}));
}

function drawMe(me) {
  page.me = me;
  page.agents = me.agents;
  part("workspace").textContent = me.tenant.name;
  const access = part("access");
  access.textContent = ACCESS[me.access] ?? me.access;
  access.title = ACCESS_WHY[me.access] ?? "";
  access.classList.toggle("wait", me.access === "auto");
  fill(part("agent"), el("option", { value: "" }, "Whoever fits"), me.agents.map(({ name, title }) => el("option", { value: name }, `${capital(name)}, ${title}`)));
  setPending(me.pending);
}

/** Everything the first screen needs is asked for at once. */
async function start() {
  bind();
  page.agent = new URLSearchParams(location.search).get("agent") ?? "";
  warm("talk");
  writer.place(addressed());
  try {
    const [me, listed, status] = await Promise.all([get("/v1/me"), get(query("/v1/conversations", { limit: LISTED })), watchStatus((fresh) => { page.status = fresh; })]);
    Object.assign(page, { conversations: listed.items, next: listed.next, status });
    drawMe(me);
    const isBusy = page.open || part("thread").querySelector("[data-key]");
    if (isBusy) drawHead();
    else await go(addressed(), { silent: true });
    if (addressed("approvals")) await inbox(addressed("approvals"));
  } catch (error) {
    const action = error.action ?? { label: "Try again", press: () => location.reload() };
    fill(part("thread"), notice(error.message, { bad: true, action }));
  }
}

start();
