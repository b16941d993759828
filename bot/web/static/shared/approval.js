/**
 * An approval as a card: what will happen, to whom, how much, who sees it, who asked, who may
 * decide, until when and why. Every text on it has its hidden characters marked. Approve is one
 * button among four and never the loudest; a long text is shown whole before it can be approved.
 */
import { el, fill, button, announce, notice, ownAddress, span } from "./dom.js";
import { capital, distance, moment } from "./words.js";
import { reveal, hiddenCount } from "./reveal.js";
import { decide, watchApproval, refreshApproval } from "./approvals.js";
import { editForm, noteForm } from "./approval-forms.js";
import { anchor } from "./links.js";

const LONG_CHARS = 2500;
const LONG_LINES = 40;
const ASKED = { approve: "Waiting for a decision", doubt: "In doubt", budget: "Budget used up" };
const DECIDED = { approved: "Approved", rejected: "Rejected", expired: "Expired", withdrawn: "Withdrawn" };
const EFFECT = {
  planned: "Not started", awaiting_approval: "Waiting", ready: "About to start", sending: "Running now",
  sent: "Done", failed: "Failed", in_doubt: "In doubt", abandoned: "Left undone",
};
const BUSY = { approve: "Approving…", there: "Saving…", again: "Doing it again…", leave: "Leaving it…" };
const KINDS = { approve: "yes", again: "yes", reject: "danger" };

/** A card that follows its approval. `again` is called when the person wants an expired one anew. */
export function approvalCard(approval, { again = null } = {}) {
  const node = el("article", { class: "card", tabindex: "-1", "data-approval": approval.id });
  const view = { node, again, approval, open: null, edits: false, whole: false, problem: "" };
  draw(view);
  watchApproval(approval.id, node, (fresh) => follow(view, fresh));
  expireInTime(view);
  return node;
}

/** Takes in a newer state, but never throws away what somebody is typing into the card. */
function follow(view, fresh) {
  const typing = view.open && fresh.state === "pending";
  const changed = fresh.version !== view.approval.version;
  const wasPending = view.approval.state === "pending";
  view.approval = fresh;
  if (typing && !changed) return;
  if (typing) view.problem = "This changed while you were writing. Look again before you decide.";
  Object.assign(view, { open: null, edits: false });
  draw(view);
  if (wasPending && fresh.state !== "pending") announce(`${fresh.shown.title}: ${verdict(fresh)}`);
}

function draw(view) {
  const { node, approval } = view;
  const hadFocus = node.contains(document.activeElement);
  const { shown, state } = approval;
  node.className = `card ${state}`;
  node.setAttribute("aria-label", `${shown.title}. ${stateWords(approval)}`);
  fill(
    node,
    heading(approval),
    shown.amount && el("p", { class: "amount" }, reveal(shown.amount)),
    view.edits ? view.open : texts(view),
    warnings(approval),
    facts(circumstances(approval)),
    effects(approval),
    view.problem && el("div", null, notice(view.problem, { bad: true, close: () => forget(view) })),
    !view.edits && (state === "pending" ? choices(view) : outcome(view)),
    details(approval),
  );
  if (hadFocus) node.focus({ preventScroll: true });
}

function forget(view) {
  view.problem = "";
  draw(view);
}

function heading({ shown, state, kind, code }) {
  return el(
    "header",
    null,
    el("h2", null, reveal(shown.title)),
    shown.sandbox && span("tag wait", "Sandbox: nothing leaves"),
    el("span", { class: state === "pending" ? "wait" : "meta" }, state === "pending" ? ASKED[kind] : DECIDED[state]),
    code && state === "pending" && el("span", { class: "meta", title: "For channels without buttons: OK and this code" }, `code ${code}`),
  );
}

function stateWords({ state, kind }) {
  return state === "pending" ? ASKED[kind] : DECIDED[state];
}

function list(values) {
  return values?.length ? values.join(", ") : "";
}

/** Recipients, fields and texts: the part of the card that an edit takes the place of. */
function texts(view) {
  const { shown } = view.approval;
  return [facts([["To", list(shown.recipients)], ...shortFields(shown)]), exact(view), longFields(shown)];
}

function shortFields(shown) {
  return (shown.fields ?? []).filter((field) => !field.long).map((field) => [field.name, field.value]);
}

/** Names and values; those without a value are left out. */
function facts(pairs) {
  const given = pairs.filter(([, value]) => value);
  return given.length > 0 && el("dl", { class: "facts" }, given.map(([name, value]) => [el("dt", null, reveal(name)), el("dd", null, typeof value === "string" ? reveal(value) : value)]));
}

function circumstances({ shown, requested_by: asker, agent, approvers, expires_at: until, state, why }) {
  const deciders = approvers?.length ? approvers.map((person) => person.name) : shown.approvers;
  const behalf = shown.on_behalf_of && shown.on_behalf_of !== asker?.name ? `, on behalf of ${shown.on_behalf_of}` : "";
  const by = [asker?.name, agent && `through ${capital(agent)}`].filter(Boolean).join(", ");
  const asked = [["Visible to", capital(shown.audience)], ["Asked by", by && capital(by) + behalf]];
  if (state !== "pending") return asked;
  return [...asked, ["May decide", list(deciders)], ["Until", until && `${moment(until)} (${distance(until)})`], ["Why you are asked", why || shown.why]];
}

/** The text as it will appear; a long one is clipped until somebody asks for all of it. */
function exact(view) {
  const { body } = view.approval.shown;
  if (!body) return null;
  const long = body.length > LONG_CHARS || body.split("\n").length > LONG_LINES;
  const clipped = long && !view.whole && view.approval.state === "pending";
  const text = el("div", { class: clipped ? "exact clipped" : "exact", dir: "auto" }, reveal(body));
  const showAll = () => {
    view.whole = true;
    draw(view);
    announce("The whole text is shown.");
  };
  return el("div", null, el("p", { class: "label" }, "Exact text"), text, clipped && button(`Show all ${body.length.toLocaleString("en")} characters`, showAll));
}

function longFields(shown) {
  const fields = (shown.fields ?? []).filter((field) => field.long && field.value !== shown.body);
  return fields.map((field) => el("div", null, el("p", { class: "label" }, reveal(field.name)), el("div", { class: "exact", dir: "auto" }, reveal(field.value))));
}

function warnings({ shown }) {
  const texts = [shown.title, shown.amount, shown.body, ...(shown.recipients ?? []), ...(shown.fields ?? []).map((field) => field.value)];
  const hidden = texts.reduce((sum, text) => sum + hiddenCount(text ?? ""), 0);
  const all = [...(shown.warnings ?? [])];
  if (hidden) all.push(`${hidden === 1 ? "One hidden character is" : `${hidden} hidden characters are`} marked in this card.`);
  return all.length > 0 && el("ul", { class: "warnings", "aria-label": "Warnings" }, all.map((text) => el("li", null, reveal(text))));
}

/** What became of each deed; before a decision only when there are several. */
function effects({ effects: deeds = [], state }) {
  if (state === "pending" ? deeds.length < 2 : state !== "approved") return null;
  const line = ({ title, state: stand, url, error, sandbox }) =>
    el(
      "li",
      null,
      span("", reveal(title)),
      el("span", { class: stand === "sent" ? "good" : stand === "failed" ? "bad" : "soft" }, stand === "sent" && sandbox ? "Kept in the sandbox, not sent" : EFFECT[stand] ?? stand),
      error && span("bad", reveal(error)),
      url && anchor(url, ["Open it"], "Open it"),
    );
  return el("ul", { class: "effects", "aria-label": "What is done" }, deeds.map(line));
}

function choices(view) {
  const { approval } = view;
  if (!approval.may_decide) return el("p", { class: "meta" }, "You may not decide this. The people named above may.");
  if (view.open) return view.open;
  const made = approval.shown.choices.map(({ id, label }) => button(label, (event) => choose(view, id, event.currentTarget), KINDS[id] ?? ""));
  return el("div", { class: "choices", role: "group", "aria-label": `Decide: ${approval.shown.title}` }, made);
}

function choose(view, id, pressed) {
  if (id === "edit") return openForm(view, editForm(view.approval, { send: (args) => send(view, "edit", { args }), close: () => closeForm(view) }), true);
  if (id === "ask" || id === "reject") return openForm(view, noteForm(view.approval, id, { send: (note) => send(view, id, { note }), close: () => closeForm(view) }));
  if (id === "approve" && view.node.querySelector(".clipped")) {
    view.whole = true;
    draw(view);
    announce("The whole text is shown now. Read it, then press Approve again.", true);
    return null;
  }
  const row = pressed.parentElement;
  if (row.contains(document.activeElement)) view.node.focus({ preventScroll: true }); // a disabled button loses it
  for (const other of row.children) other.disabled = true;
  pressed.textContent = BUSY[id] ?? "Saving…";
  row.setAttribute("aria-busy", "true");
  return send(view, id).catch((error) => {
    view.problem = error.message;
    draw(view);
  });
}

function openForm(view, form, edits = false) {
  Object.assign(view, { open: form, edits, problem: "" });
  draw(view);
  form.querySelector("textarea, input")?.focus({ preventScroll: true });
  form.scrollIntoView({ block: "nearest" });
}

function closeForm(view) {
  Object.assign(view, { open: null, edits: false });
  draw(view);
  view.node.querySelector(".choices .button")?.focus();
}

/** Sends the answer; the card redraws itself by following. Errors go to whoever pressed. */
async function send(view, decision, values) {
  try {
    const fresh = await decide(view.approval, decision, values);
    Object.assign(view, { approval: fresh, open: null, edits: false, problem: "" });
    draw(view);
    if (decision === "ask") announce("Your question was sent. The approval still waits.");
  } catch (error) {
    if (!error.body?.approval) throw error;
    Object.assign(view, { open: null, edits: false, problem: error.message });
    draw(view);
  }
}

function verdict({ state, shown, decided_by: who, decided_at: at }) {
  if (shown.decided) return shown.decided;
  return `${DECIDED[state]}${who ? ` by ${who.name}` : ""}${at ? `, ${moment(at)}` : ""}`;
}

function outcome(view) {
  const { approval } = view;
  if (approval.state === "expired") {
    const words = `Expired ${moment(approval.expires_at)}. Nobody decided in time, and nothing was done. This is not a rejection.`;
    return el("div", null, notice(words, { action: view.again && { label: "Ask again", press: () => view.again(approval) } }));
  }
  return el("p", null, reveal(verdict(approval)), approval.note && span("meta", " · ", reveal(approval.note)));
}

/** Everything, for those who want to compare: arguments, version and hash as the decision binds them. */
function details(approval) {
  const raw = JSON.stringify(approval.arguments ?? {}, null, 2);
  return el(
    "details",
    null,
    el("summary", null, "All details"),
    el("pre", { class: "raw", tabindex: "0", role: "group", "aria-label": "Arguments" }, reveal(raw)),
    el("p", { class: "meta" }, `${approval.tool ?? ""} · version ${approval.version} · hash ${(approval.hash ?? "").slice(0, 16)} · asked ${moment(approval.created_at)} `, approval.conversation && el("a", { href: ownAddress(`/chat/${approval.conversation}`) }, "Conversation")),
  );
}

/** Asks the API again at the moment of expiry, so that the card says so without a reload. */
function expireInTime(view) {
  const left = new Date(view.approval.expires_at) - Date.now();
  if (view.approval.state !== "pending" || !(left < 86400000)) return;
  setTimeout(() => view.node.isConnected && refreshApproval(view.approval.id).catch(() => {}), Math.max(left, 0) + 1000);
}
