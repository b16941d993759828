/** The state of the house: what runs, what is down, what needs somebody, what happened last. */
import { el, fill, button, notice, span, told } from "../shared/dom.js";
import { get, post } from "../shared/api.js";
import { money, moment, distance, count } from "../shared/words.js";
import { keyForm } from "../shared/key.js";
import { refreshStatus } from "../shared/status.js";
import { plainTable } from "./list.js";
import { eventColumns } from "./events.js";

export async function statusPage(main, asked) {
  const [status, events, dead] = await Promise.all([asked, get("/v1/events?limit=5"), get("/v1/dead?limit=20")]);
  if (!status) return fill(main, notice("Switchboard does not answer.", { bad: true, action: { label: "Try again", press: () => location.reload() } }));
  return fill(
    main,
    attention(status, dead.items),
    section("System", figures(status), told("role") === "owner" && status.offline && keyForm(() => location.reload())),
    section("Channels", plainTable("Channels", [
      { name: "Channel", cell: ({ name }) => name },
      { name: "State", cell: ({ up }) => span(up ? "good" : "bad", up ? "up" : "down") },
      { name: "", cell: ({ detail }) => detail },
    ], status.channels)),
    status.extensions?.length > 0 && section("Extensions", plainTable("Extensions", [
      { name: "Package", cell: ({ name, version }) => `${name} ${version}` },
      { name: "State", cell: ({ problem }) => span(problem ? "bad" : "good", problem ? "not used" : "in use") },
      { name: "", cell: ({ brings, problem }) => problem || brings },
    ], status.extensions)),
    section("Last events", events.items.length ? plainTable("Last events", eventColumns(), events.items) : el("p", { class: "empty" }, "Nothing has happened yet.", el("a", { class: "button", href: "/chat" }, "Write to an agent"))),
  );
}

function section(title, ...parts) {
  return el("section", { "aria-label": title }, el("h2", null, title), parts);
}

function figures(status) {
  const pairs = [
    ["Started", el("time", { datetime: status.running_since, title: moment(status.running_since) }, distance(status.running_since))],
    ["Version", status.version],
    ["Model", status.offline ? "Offline model" : status.model],
    ["Spent today", money(status.spent_today_micros)],
    ["Being answered", String(status.open_turns)],
    ["Queued", String(status.queued)],
    ["Waiting for approval", el("a", { href: "/admin/approvals" }, String(status.pending))],
    ["In doubt", String(status.doubts)],
  ];
  return el("dl", { class: "figures" }, pairs.map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value))));
}

/** What somebody has to look at; nothing when all is well. */
function attention(status, dead) {
  const problems = status.problems ?? [];
  const troubles = status.troubles ?? [];
  if (!dead.length && !status.doubts && !problems.length && !troubles.length) return null;
  return section(
    "Needs you",
    problems.map((problem) => notice(problem, { bad: true })),
    troubles.map(trouble),
    status.doubts > 0 && notice(`${count(status.doubts, "deed is", "deeds are")} in doubt: nobody knows whether it was done.`, { action: { label: "Decide", href: "/admin/approvals" } }),
    dead.length > 0 && plainTable("Failed messages", [
      { name: "When", tight: true, cell: ({ at }) => moment(at) },
      { name: "Message", cell: ({ id, text }) => el("a", { href: `/admin/events/${encodeURIComponent(id)}` }, text || id) },
      { name: "Why", cell: ({ detail }) => detail },
      { name: "", tight: true, cell: ({ id }) => replay(id) },
    ], dead),
  );
}

/** What went wrong for good, how often and since when, and where it is mended. */
function trouble({ title, step, href, count: times, since }) {
  const often = times > 1 ? `, ${times} times since ${moment(since)}` : `, ${moment(since)}`;
  return notice(`${title}${often}. ${step}`, { bad: true, action: { label: "Mend it", href } });
}

function replay(event) {
  const made = button("Try again", async () => {
    made.disabled = true;
    made.textContent = "Queuing…";
    try {
      await post(`/v1/dead/${encodeURIComponent(event)}/replay`);
      made.replaceWith(span("good", "Queued again"));
      refreshStatus();
    } catch (error) {
      made.after(notice(error.message, { bad: true }));
      made.textContent = "Try again";
      made.disabled = false;
    }
  });
  return made;
}
