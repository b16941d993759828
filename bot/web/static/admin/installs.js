/** Workspaces that a platform's app is installed in: how each is, its switch, and one more. */
import { el, fill, button, notice, span } from "../shared/dom.js";
import { get, post } from "../shared/api.js";
import { capital } from "../shared/words.js";
import { plainTable } from "./list.js";
import { remover } from "./remover.js";

const LOOKS = { active: "good", error: "bad" };

/** What is shown of a platform's installs; nothing where there are none and none can be added. */
export function installs(name) {
  const node = el("div");
  draw(node, name);
  return node;
}

async function draw(node, name) {
  try {
    const { items, newest } = await get(path(name));
    const add = newest > 0 && el("p", null, el("a", { class: "button", href: `/oauth/${encodeURIComponent(name)}/install` }, `Add to a ${capital(name)} workspace`));
    fill(node, items.length > 0 && table(node, name, items, newest), add);
  } catch (error) {
    fill(node, notice(error.message, { bad: true, action: { label: "Try again", press: () => draw(node, name) } }));
  }
}

function table(node, name, items, newest) {
  const again = () => draw(node, name);
  return plainTable(`Workspaces of ${capital(name)}`, [
    { name: "Workspace", cell: ({ name: title, workspace }) => `${title || workspace} (${workspace})` },
    { name: "App", tight: true, cell: ({ app, bot_user: user, agent }) => `${app}, ${user}${agent && `, ${agent}'s own`}` },
    { name: "Since", tight: true, cell: ({ installed_at: at }) => new Date(at).toLocaleDateString() },
    { name: "State", cell: (item) => state(item, newest) },
    { name: "", tight: true, cell: (item) => press(item.enabled ? "Switch off" : "Switch on", item, () => post(one(name, item), { enabled: !item.enabled }), again) },
    { name: "", tight: true, cell: (item) => press("Check", item, () => post(`${one(name, item)}/check`), again) },
    { name: "", tight: true, cell: (item) => remover(one(name, item), `Let go of ${item.name || item.workspace}`, again, "Let go") },
  ], items);
}

function state({ status, error, manifest }, newest) {
  const old = newest > manifest && " The app asks for more now: install it again.";
  return [span(LOOKS[status] ?? "soft", status), error && ` ${error}`, old].filter(Boolean);
}

function press(label, item, send, done) {
  const made = button(label, async () => {
    made.disabled = true;
    try {
      await send();
      await done();
    } catch (error) {
      made.disabled = false;
      made.textContent = error.message;
    }
  });
  made.setAttribute("aria-label", `${label}: ${item.name || item.workspace}`);
  return made;
}

function path(name) {
  return `/v1/channels/${encodeURIComponent(name)}/installs`;
}

function one(name, { account }) {
  return `${path(name)}/${encodeURIComponent(account)}`;
}
