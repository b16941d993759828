/** The admin pages. Each is a module that draws itself into the main part of the shell. */
import { fill, part, notice } from "./shared/dom.js";
import { get } from "./shared/api.js";
import { load } from "./shared/load.js";
import { watchStatus, setTitle } from "./shared/status.js";
import { bindKeys } from "./shared/keys.js";
import { bindLeave } from "./shared/leave.js";
import { bindDrawer } from "./shared/drawer.js";
import { statusPage } from "./admin/status.js";
import { agentsPage } from "./admin/agents.js";
import { approvalsPage } from "./admin/approvals.js";
import { routesPage } from "./admin/routes.js";
import { policiesPage } from "./admin/policies.js";
import { mcpPage } from "./admin/mcp.js";
import { peoplePage } from "./admin/people.js";
import { eventsPage } from "./admin/events.js";
import { tracePage, TRACE_KEYS } from "./admin/trace.js";
import { schedulesPage } from "./admin/schedules.js";
import { feedbackPage } from "./admin/feedback.js";
import { filesPage } from "./admin/files.js";
import { memoryPage } from "./admin/memory.js";
import { auditPage } from "./admin/audit.js";
import { sandboxPage } from "./admin/sandbox.js";
import { LIST_KEYS } from "./admin/list.js";

const PAGES = {
  status: statusPage, agents: agentsPage, approvals: approvalsPage, routes: routesPage, policies: policiesPage, channels: async (main) => (await load("accounts")).channelsPage(main), connections: async (main) => (await load("accounts")).connectionsPage(main), mcp: mcpPage, people: peoplePage,
  events: eventsPage, trace: tracePage, schedules: schedulesPage, files: filesPage, memory: memoryPage, feedback: feedbackPage, audit: auditPage, sandbox: sandboxPage,
  texts: async (main) => (await load("posts")).textsPage(main), mail: async (main) => (await load("posts")).mailPage(main),
};

async function start() {
  const main = part("main");
  const name = main.dataset.admin;
  bindDrawer();
  bindLeave();
  bindKeys({ keys: name === "trace" ? TRACE_KEYS : LIST_KEYS });
  setTitle(document.title);
  const status = watchStatus(() => {});
  get("/v1/me").then((me) => { part("workspace").textContent = me.tenant.name; }, () => {});
  try {
    await PAGES[name](main, status);
  } catch (error) {
    const action = error.action ?? { label: "Try again", press: () => location.reload() };
    fill(main, notice(error.message, { bad: true, action }));
  }
}

start();
