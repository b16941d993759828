/** Memory: what agents keep about whoever looks, where it came from, and what was put away. */
import { el, fill, button, span } from "../shared/dom.js";
import { get, post } from "../shared/api.js";
import { moment } from "../shared/words.js";
import { reveal } from "../shared/reveal.js";
import { listOf, plainTable } from "./list.js";
import { remover } from "./remover.js";

export async function memoryPage(main) {
  const list = listOf({
    path: "/v1/memory",
    label: "Notes",
    empty: { text: "No agent keeps anything about you yet. Say “remember that …” in a chat.", label: "Open the chat", href: "/chat" },
    columns: [
      { name: "Note", cell: ({ text, outside }) => [reveal(text), outside && span("meta", " from outside")] },
      { name: "From", cell: source },
      { name: "Agent", tight: true, cell: ({ agent }) => agent },
      { name: "Since", tight: true, cell: ({ at }) => moment(at) },
      { name: "", tight: true, cell: ({ id }) => remover(`/v1/memory/${encodeURIComponent(id)}`, "Forget this note", () => list.refresh(), "Forget") },
    ],
  });
  const away = el("section", { "aria-label": "Archives" });
  fill(main, el("section", null, el("p", { class: "meta" }, "Only you see these notes. Forgetting is for good."), list.node), away);
  await Promise.all([list.refresh(), drawArchives(away)]);
}

/** Where a note came from, with a link to what was said. */
function source({ source: words, conversation }) {
  return conversation ? el("a", { href: `/chat/${encodeURIComponent(conversation)}` }, reveal(words)) : reveal(words);
}

async function drawArchives(node) {
  const { items } = await get("/v1/archives");
  if (!items.length) return;
  const columns = [
    { name: "Conversation", cell: ({ title }) => reveal(title || "Untitled") },
    { name: "Lines", tight: true, number: true, cell: ({ lines }) => lines },
    { name: "Put away", tight: true, cell: ({ at }) => moment(at) },
    { name: "", tight: true, cell: (item) => (item.restored_at ? span("soft", "It is back") : restorer(node, item)) },
  ];
  fill(node, el("h2", null, "Put away"), el("p", { class: "meta" }, "Old conversations leave the database and stay here."), plainTable("Archives", columns, items));
}

function restorer(node, { id, title }) {
  const made = button("Bring back", async () => {
    made.disabled = true;
    try {
      await post(`/v1/archives/${encodeURIComponent(id)}/restore`, {});
      await drawArchives(node);
    } catch (error) {
      made.textContent = error.message;
    }
  });
  made.setAttribute("aria-label", `Bring back ${title}`);
  return made;
}
