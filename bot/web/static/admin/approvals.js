/** Every approval, those that wait first, each as the card it is everywhere else. */
import { el, fill, button, notice } from "../shared/dom.js";
import { get, query } from "../shared/api.js";
import { load } from "../shared/load.js";
import { emptiness } from "./list.js";

const STATES = [["pending", "Waiting"], ["approved", "Approved"], ["rejected", "Rejected"], ["expired", "Expired"], ["withdrawn", "Withdrawn"], ["", "All"]];
const EMPTY = { "": "Nothing has ever been asked.", pending: "Nothing waits for a decision.", approved: "Nothing has been approved yet.", rejected: "Nothing has been rejected.", expired: "Nothing has expired.", withdrawn: "Nothing has been withdrawn." };

export function approvalsPage(main) {
  const state = el("select", { name: "state" }, STATES.map(([value, words]) => el("option", { value }, words)));
  const cards = el("div", { class: "limit" });
  state.value = new URLSearchParams(location.search).get("state") ?? "pending";
  state.addEventListener("change", () => {
    history.replaceState(null, "", query(location.pathname, { state: state.value === "pending" ? "" : state.value || "all" }));
    show(cards, state.value);
  });
  fill(main, el("label", null, el("span", null, "Show"), state), cards);
  if (state.selectedIndex < 0) state.value = "";
  return show(cards, state.value);
}

async function show(cards, state, after = "") {
  try {
    const [kit, page] = await Promise.all([load("later"), get(query("/v1/approvals", { state, limit: 20, after }))]);
    if (!after) fill(cards, !page.items.length && emptiness({ text: EMPTY[state], label: "Back to the chat", href: "/chat" }));
    cards.append(...page.items.map((item) => kit.approvalCard(kit.keepApproval(item))));
    if (page.next) cards.append(more(() => show(cards, state, page.next)));
  } catch (error) {
    fill(cards, notice(error.message, { bad: true, action: { label: "Try again", press: () => show(cards, state) } }));
  }
}

function more(press) {
  const made = button("Show more", () => {
    made.remove();
    press();
  });
  return made;
}
