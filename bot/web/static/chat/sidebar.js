/**
 * Agents and conversations at the side. Both are drawn in one go, so that nothing moves. Once there
 * are conversations they stand within reach, and the agents above them are folded up.
 */
import { el, fill, part, span } from "../shared/dom.js";
import { brief, capital } from "../shared/words.js";

/** Whether the person wants the agents unfolded; null until they said. */
let wanted = null;

/** Draws the lists anew; focus and place stay. `on.agent(name)` and `on.conversation(id)` open. */
export function drawSide({ agents, conversations, more, here, agent }, on) {
  const lists = part("side-lists");
  const top = lists.scrollTop;
  const focused = lists.contains(document.activeElement) ? document.activeElement.dataset.row : "";
  fill(
    lists,
    agentList(agents, here ? "" : agent, wanted ?? !(conversations.length && (here || !agent)), on),
    el("h2", { id: "conversations-name" }, "Conversations"),
    conversations.length ? el("ul", { "aria-labelledby": "conversations-name" }, conversations.map((one) => el("li", null, conversationRow(one, one.id === here, on)))) : el("p", null, "None yet. Write to an agent to begin one."),
    more && el("button", { type: "button", class: "side-row", onclick: more }, "Show more"),
  );
  lists.scrollTop = top;
  if (focused) [...lists.querySelectorAll("[data-row]")].find((row) => row.dataset.row === focused)?.focus();
}

function agentList(agents, chosen, isOpen, on) {
  const list = el("ul", { "aria-labelledby": "agents-name" }, agents.map((one) => el("li", null, agentRow(one, one.name === chosen, on))));
  const name = el("summary", { class: "side-row", "data-row": "agents" }, el("h2", { id: "agents-name" }, "Agents"), span("meta", String(agents.length)));
  const fold = el("details", { open: isOpen }, name, list);
  name.addEventListener("click", () => { wanted = !fold.open; });
  return fold;
}

function agentRow({ name, title, emoji }, isHere, on) {
  const press = () => on.agent(name);
  return el("button", { type: "button", class: "side-row", "data-row": `agent ${name}`, onclick: press, "aria-current": isHere && "true", title: `${capital(name)}: ${title}` }, el("span", { class: "mark", "aria-hidden": "true" }, emoji || capital(name)[0]), span("grow", capital(name), span("meta", `  ${title}`)));
}

function conversationRow({ id, title, agent, updated_at: at, state, pending }, isHere, on) {
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    on.conversation(id);
  };
  return el(
    "a",
    { class: "side-row", "data-row": id, href: `/chat/${encodeURIComponent(id)}`, onclick: press, "aria-current": isHere && "page", title: `${title} · ${capital(agent)}` },
    span("grow", title || "Untitled"),
    state === "running" && span("meta", "writing…"),
    pending > 0 && span("count", String(pending), span("unseen", " waiting")),
    span("meta", brief(at)),
  );
}
