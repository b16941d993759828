/**
 * Building page parts out of data. Text only ever becomes text nodes: nothing here, and nothing
 * that uses it, parses HTML. Also the one voice for screen readers.
 */

/**
 * Makes an element. Of `props`, functions under `on…` become listeners, true becomes an empty
 * attribute, and null, undefined and false are left out. Children may be nested lists and gaps.
 */
export function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return node;
}

/** A span of one class, the commonest part there is. */
export function span(kind, ...children) {
  return el("span", { class: kind || null }, children);
}

/** The element of the shell with this id. */
export function part(id) {
  return document.getElementById(id);
}

/** Something the shell tells its script: `csrf`, `person`, `role`. */
export function told(name) {
  return document.querySelector(`meta[name="${name}"]`)?.content ?? "";
}

export function icon(name) {
  return el("i", { class: `icon icon-${name}`, "aria-hidden": "true" });
}

export function button(label, press, kind = "") {
  return el("button", { type: "button", class: `button ${kind}`.trim(), onclick: press }, label);
}

export function iconButton(name, label, press, props = {}) {
  return el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick: press, ...props }, icon(name));
}

/** Replaces what is inside a node and returns the node. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter(Boolean));
  return node;
}

/** Says something to those who cannot see the page; `urgent` interrupts. */
export function announce(text, urgent = false) {
  const line = el("p", null, text);
  part(urgent ? "urgent" : "polite").append(line);
  setTimeout(() => line.remove(), 4000);
}

/** A sentence of the house as nodes: what stands between backticks is code. */
export function sentence(text) {
  return text.split("`").map((piece, index) => (index % 2 ? el("code", null, piece) : piece));
}

/**
 * A message that stays until it is read: its cause, and at most one action `{label, href}` or
 * `{label, press}`.
 */
export function notice(text, { action = null, bad = false, close = null } = {}) {
  const made = el("div", { class: bad ? "notice problem" : "notice" }, span("", text));
  if (action) made.append(mend(action));
  if (close) made.append(iconButton("close", "Dismiss", close));
  return made;
}

/** What mends something, to press: `{label, href}` or `{label, press}`; null without one. */
export function mend(action) {
  if (action?.press) return button(action.label, action.press);
  return action?.href ? el("a", { class: "button", href: ownAddress(action.href) }, action.label) : null;
}

/** A path of this house, or the chat for anything that is not one. */
export function ownAddress(href) {
  const url = new URL(href, location.origin);
  return url.origin === location.origin ? url.pathname + url.search + url.hash : "/chat";
}

/** Copies a text and says so on the button that asked. */
export async function copy(text, node) {
  try {
    await navigator.clipboard.writeText(text);
    announce("Copied");
    node.title = "Copied";
  } catch {
    announce("The browser did not allow copying. Select the text and copy it yourself.", true);
  }
}
