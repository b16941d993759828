/** What the clock does: when, by whom, what next. */
import { el, fill, button, span } from "../shared/dom.js";
import { post } from "../shared/api.js";
import { moment, capital } from "../shared/words.js";
import { listOf } from "./list.js";

const ACTIONS = { active: [["paused", "Pause"], ["cancelled", "Cancel"]], paused: [["active", "Resume"], ["cancelled", "Cancel"]] };
const TONE = { active: "good", paused: "wait" };

export function schedulesPage(main) {
  const list = listOf({
    path: "/v1/schedules",
    label: "Schedules",
    empty: { text: "Nothing is scheduled. Tell an agent, such as: remind me every weekday at 9.", label: "Write to an agent", href: "/chat" },
    columns: [
      { name: "When", cell: ({ words, zone }) => [words, " ", span("meta", zone)] },
      { name: "What", cell: ({ prompt }) => prompt },
      { name: "Agent", tight: true, cell: ({ agent }) => capital(agent) },
      { name: "Next", tight: true, cell: ({ next_at: at }) => (at ? moment(at) : "") },
      { name: "State", tight: true, cell: ({ state }) => span(TONE[state] ?? "soft", capital(state)) },
      { name: "", tight: true, cell: (row) => el("span", { class: "pager" }, (ACTIONS[row.state] ?? []).map(([state, word]) => changer(row, state, word, () => list.refresh()))) },
    ],
  });
  fill(main, list.node);
  return list.refresh();
}

function changer({ id, words }, state, word, done) {
  const made = button(word, async () => {
    made.disabled = true;
    try {
      await post(`/v1/schedules/${encodeURIComponent(id)}`, { state });
      await done();
    } catch (error) {
      made.textContent = error.message;
    }
  });
  made.setAttribute("aria-label", `${word}: ${words}`);
  return made;
}
