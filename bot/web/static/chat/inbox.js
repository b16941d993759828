/** The inbox: every approval that waits, or the one that an address names, beside the conversation. */
import { el, fill, notice } from "../shared/dom.js";
import { get } from "../shared/api.js";
import { openDialog } from "../shared/dialogs.js";
import { keepApproval } from "../shared/approvals.js";
import { approvalCard } from "../shared/approval.js";

/** Opens the inbox; `again` is handed to its cards. With an id it shows that one, also when it is decided. */
export async function openInbox(again, id = "") {
  const list = el("div", { "aria-busy": "true" }, el("p", { class: "meta" }, "Fetching…"));
  const node = openDialog(id ? "Question" : "Approvals that wait", list, { kind: "drawer" });
  const ask = async (after = "") => {
    try {
      const page = id ? { items: [await get(`/v1/approvals/${encodeURIComponent(id)}`)] } : await get(`/v1/approvals?state=pending&limit=20${after && `&after=${encodeURIComponent(after)}`}`);
      if (!after) fill(list, !page.items.length && empty(node));
      list.append(...page.items.map((item) => approvalCard(keepApproval(item), { again: (approval) => { node.close(); again(approval); } })));
      if (page.next) list.append(more(() => ask(page.next)));
    } catch (error) {
      fill(list, notice(error.message, { bad: true, action: { label: "Try again", press: () => ask() } }));
    }
    list.removeAttribute("aria-busy");
  };
  await ask();
}

function empty(node) {
  return el("p", { class: "empty" }, "Nothing waits for a decision.", el("button", { type: "button", class: "button", onclick: () => node.close() }, "Back to the chat"));
}

function more(press) {
  const made = el("button", { type: "button", class: "button" }, "Show more");
  made.addEventListener("click", () => {
    made.remove();
    press();
  });
  return made;
}
