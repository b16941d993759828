/**
 * What would have been sent: every deed that ran in the sandbox because its connection is not set
 * up, drawn as the people who would have seen it would have seen it.
 */
import { el, fill, button, notice, span } from "../shared/dom.js";
import { get, query } from "../shared/api.js";
import { moment, capital } from "../shared/words.js";
import { reveal } from "../shared/reveal.js";
import { emptiness } from "./list.js";

const WORDS = ["text", "body", "message", "content", "prompt"];
const HEADS = ["title", "subject"];
const TO = ["to", "cc", "bcc", "recipients", "attendees"];

export function sandboxPage(main) {
  const grid = el("div", { class: "grid" });
  fill(main, el("p", { class: "meta" }, "Nothing here has left. A tool runs in the sandbox until its connection is set up."), grid);
  return show(main, grid);
}

async function show(main, grid, after = "") {
  try {
    const page = await get(query("/v1/sandbox", { limit: 30, after }));
    if (!page.items.length && !after) grid.replaceWith(emptiness({ text: "Nothing has been held back.", label: "Ask an agent for a post", href: "/chat" }));
    grid.append(...page.items.map(drawn));
    const more = page.next && button("Show more", () => {
      more.remove();
      show(main, grid, page.next);
    });
    if (more) main.append(more);
  } catch (error) {
    main.append(notice(error.message, { bad: true, action: { label: "Try again", press: () => location.reload() } }));
  }
}

/** One deed as a post, a mail or a payment: whatever its arguments make of it. */
function drawn({ title, agent, at, arguments: args, event }) {
  const rest = Object.entries(args).filter(([name]) => ![...WORDS, ...HEADS, ...TO, "media", "link", "amount", "currency"].includes(name));
  const words = WORDS.map((name) => args[name]).find((value) => typeof value === "string") ?? "";
  return el(
    "article",
    { class: "post", "aria-label": `${title}, not sent` },
    el("header", null, el("span", { class: "face", "aria-hidden": "true" }, capital(agent)[0]), el("div", { class: "grow" }, el("strong", null, capital(agent)), el("p", { class: "meta" }, `${title} · ${moment(at)}`)), span("tag wait", "Sandbox")),
    amount(args),
    TO.filter((name) => args[name]?.length).map((name) => el("p", null, span("meta", `${capital(name)}: `), reveal([args[name]].flat().join(", ")))),
    HEADS.filter((name) => args[name]).map((name) => el("h2", null, reveal(args[name]))),
    words && el("p", { class: "words", dir: "auto" }, reveal(words)),
    (args.media ?? []).map((media) => el("p", { class: "picture" }, reveal(`Picture: ${media.alt || media.url || media}`))),
    args.link && el("p", { class: "picture" }, reveal(args.link)),
    rest.length > 0 && el("dl", { class: "facts" }, rest.map(([name, value]) => [el("dt", null, capital(name.replaceAll("_", " "))), el("dd", null, reveal(typeof value === "string" ? value : JSON.stringify(value)))])),
    event && el("p", { class: "meta" }, el("a", { href: `/admin/events/${encodeURIComponent(event)}` }, "How this came about")),
  );
}

/** Money in minor units as people write it. */
function amount({ amount: minor, currency }) {
  if (typeof minor !== "number" || !/^[a-z]{3}$/i.test(currency ?? "")) return null;
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits;
  return el("p", { class: "amount" }, format.format(minor / 10 ** digits));
}
