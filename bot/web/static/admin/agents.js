/** The team: who there is, what each does and may use. */
import { el, fill, span } from "../shared/dom.js";
import { capital } from "../shared/words.js";
import { listOf } from "./list.js";

export function agentsPage(main) {
  const list = listOf({
    path: "/v1/agents",
    label: "Agents",
    empty: { text: "There is no agent yet. An agent is a Markdown file in the agents folder; it appears here at once.", label: "Look again", press: () => location.reload() },
    columns: [
      { name: "Agent", tight: true, cell: ({ name, emoji }) => [span("mark", `${emoji || capital(name)[0]} `), el("strong", null, capital(name))] },
      { name: "Does", cell: ({ title }) => title },
      { name: "May use", cell: ({ tools }) => (tools?.length ? tools.join(", ") : "no tools") },
      { name: "", tight: true, cell: ({ name }) => el("a", { class: "button", href: `/chat?agent=${encodeURIComponent(name)}`, "aria-label": `Write to ${capital(name)}` }, "Write") },
    ],
  });
  fill(main, list.node);
  return list.refresh();
}
