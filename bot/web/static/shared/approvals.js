/**
 * What is known of each approval, and every card that shows it. A decision made here, in another
 * tab or on another channel redraws all copies, so that no card offers what is already decided.
 */
import { get, post } from "./api.js";

const OVER = ["sent", "failed", "abandoned"];
const known = new Map();
const cards = new Map();

/** Keeps an approval that came from the API and redraws its cards. */
export function keepApproval(approval) {
  const before = known.get(approval.id);
  known.set(approval.id, approval);
  if (before && JSON.stringify(before) === JSON.stringify(approval)) return approval;
  for (const redraw of cards.get(approval.id) ?? []) redraw(approval);
  return approval;
}

export function knownApproval(id) {
  return known.get(id);
}

/** Fetches an approval anew; the cards follow. */
export async function refreshApproval(id) {
  return keepApproval(await get(`/v1/approvals/${encodeURIComponent(id)}`));
}

/** Fetches what became of those that were not over: a stream that begins anew does not tell it. */
export function refreshUnderway(ids) {
  for (const id of ids) {
    const { state, effects = [] } = known.get(id);
    const isOver = state !== "pending" && effects.every((one) => OVER.includes(one.state));
    if (!isOver) refreshApproval(id).catch(() => {});
  }
}

/** Calls `redraw` whenever the approval changes, while `node` is part of the page. */
export function watchApproval(id, node, redraw) {
  const watchers = cards.get(id) ?? new Set();
  cards.set(id, watchers);
  const follow = (approval) => (node.isConnected ? redraw(approval) : watchers.delete(follow));
  watchers.add(follow);
}

/**
 * Sends an answer with the version that was shown. On 409 the card as it stands now is kept before
 * the error goes on, so the person sees what changed.
 */
export async function decide(approval, decision, { args, note } = {}) {
  const answer = { decision, version: approval.version };
  if (args !== undefined) answer.arguments = args;
  if (note) answer.note = note;
  try {
    return keepApproval(await post(`/v1/approvals/${encodeURIComponent(approval.id)}/decide`, answer));
  } catch (error) {
    if (error.body?.approval) keepApproval(error.body.approval);
    throw error;
  } finally {
    document.dispatchEvent(new CustomEvent("pending-changed"));
  }
}
