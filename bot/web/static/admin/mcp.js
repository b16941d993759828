/** MCP servers: their tools as they describe themselves, and the owner's yes to those words. */
import { el, fill, button, notice, span } from "../shared/dom.js";
import { get, post } from "../shared/api.js";
import { plainTable } from "./list.js";

const TONE = { approved: "good", new: "wait", changed: "bad", gone: "soft", unfit: "bad" };
const ABOUT = "A tool that is new, or that describes itself differently than before, waits here; agents do not see it until you approve its words. A tool writes, and asks each time, unless the settings name it as one that only reads.";

export async function mcpPage(main) {
  const { items } = await get("/v1/mcp");
  if (!items.length) return fill(main, el("p", { class: "empty" }, "No MCP server is set. They stand in bot.toml, under [mcp.servers]."));
  return fill(main, el("p", { class: "meta" }, ABOUT), items.map(section));
}

function section(server) {
  const node = el("section", { "aria-label": server.server });
  draw(node, server);
  return node;
}

function draw(node, server) {
  const again = (path, body) => async (made) => {
    made.disabled = true;
    try {
      draw(node, await post(`/v1/mcp/${encodeURIComponent(server.server)}/${path}`, body));
    } catch (error) {
      made.disabled = false;
      made.after(notice(error.message, { bad: true }));
    }
  };
  const check = button("Check", () => again("check", {})(check));
  check.setAttribute("aria-label", `Check ${server.server}`);
  fill(
    node,
    el("h2", null, server.server, " ", span("meta", server.way)),
    server.problem && notice(server.problem, { bad: true }),
    server.tools.length ? table(server, again) : el("p", { class: "empty" }, "Nobody has looked at its tools yet."),
    el("p", { class: "pager" }, check),
  );
}

function table({ server, tools }, again) {
  return plainTable(`Tools of ${server}`, [
    { name: "Tool", tight: true, cell: ({ tool }) => tool },
    { name: "State", tight: true, cell: ({ state }) => span(TONE[state] ?? "soft", state) },
    { name: "Risk", tight: true, cell: ({ risk }) => risk },
    { name: "What it says", cell: words },
    { name: "", tight: true, cell: (tool) => approver(tool, again) },
  ], tools);
}

/** What a model will read; after a change, what it read before. */
function words({ state, problem, description, schema, was }) {
  return [
    problem && el("p", { class: "bad" }, problem),
    state === "changed" && el("p", null, span("meta", "Before: "), was),
    el("p", null, description),
    el("details", null, el("summary", null, "What it takes"), el("pre", null, JSON.stringify(schema, null, 2))),
  ];
}

function approver({ name, tool, state, hash }, again) {
  if (state !== "new" && state !== "changed") return null;
  const made = button("Approve", () => again("approve", { tool: name, hash })(made));
  made.setAttribute("aria-label", `Approve ${tool}`);
  return made;
}
