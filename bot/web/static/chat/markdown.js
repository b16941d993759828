/**
 * Markdown as page parts. A text is cut into blocks; a block becomes nodes by way of `el`, so any
 * HTML in it is only text. While a text is being written, blocks that did not change are left
 * alone, so that a selection in them survives and drawing stays cheap. How much is drawn at once is
 * bounded (`pieces.js`).
 */
import { el, copy, span } from "../shared/dom.js";
import { inline } from "./inline.js";
import { pieces, weighed, within } from "./pieces.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6}) +(\S.*)$/;
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;
const QUOTE = /^ {0,3}> ?/;
const DIVIDER = /^ *\|? *:?-+:? *(\| *:?-+:? *)*\|? *$/;
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;
const DEPTH = 6;
const drawn = new WeakMap();

/**
 * Draws `text` into `node`, keeping the blocks that are there already. A very long text is drawn in
 * portions, with a button below for the next one. `settle(node)` is called after each drawing.
 */
export function renderInto(node, text, settle = () => {}) {
  const before = drawn.get(node) ?? { text: "", blocks: [], shown: [], portions: 1 };
  const now = { ...before, text, settle, blocks: cut(linesOf(text), text.startsWith(before.text) ? before.blocks.slice(0, -2) : []) };
  drawn.set(node, now);
  draw(node, now);
  return node;
}

/** Before a page is printed, all of it is there. */
window.addEventListener("beforeprint", () => {
  for (const rest of document.querySelectorAll("[data-part=rest]")) more(rest.parentElement, Infinity);
});

function draw(node, now) {
  const all = now.blocks.flatMap(pieces);
  const count = within(all, now.portions);
  let same = 0;
  while (same < count && now.shown[same] && now.shown[same].kind === all[same].kind && now.shown[same].text === all[same].text) same++;
  const rest = node.querySelector(":scope > [data-part=rest]");
  const parts = [...node.childNodes].filter((part) => part !== rest);
  for (const part of parts.slice(same)) part.remove();
  const heading = { seen: Boolean(node.querySelector("h2")) };
  const fresh = all.slice(same, count).map((piece) => build(piece, 0, heading));
  if (rest) rest.before(...fresh);
  else node.append(...fresh);
  now.shown = all.slice(0, count);
  drawRest(node, rest, all.slice(count));
  now.settle(node);
}

function drawRest(node, old, left) {
  const chars = left.reduce((sum, { text }) => sum + text.length, 0);
  if (!left.length) return old?.remove();
  const words = `Show more of this (${chars.toLocaleString("en")} characters left)`;
  if (old) old.textContent = words;
  else node.append(el("button", { type: "button", class: "button", "data-part": "rest", onclick: () => more(node) }, words));
  return undefined;
}

function more(node, portions = drawn.get(node).portions + 1) {
  const now = drawn.get(node);
  const had = now.shown.length;
  now.portions = portions;
  draw(node, now);
  const first = node.childNodes[had];
  if (!first || portions === Infinity) return;
  first.setAttribute("tabindex", "-1");
  first.focus({ preventScroll: true });
}

/** Lines of a text; what turns the order of reading around is written out, or a link's host could lie. */
function linesOf(text) {
  return text.replace(TURNING, (mark) => `[U+${mark.codePointAt(0).toString(16).toUpperCase()}]`).replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n");
}

/** Cuts lines into blocks, each with its kind, its lines and where it ends; `blocks` are known. */
function cut(lines, blocks = []) {
  let at = blocks.at(-1)?.end ?? 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at++;
      continue;
    }
    const kind = kindOf(lines, at);
    const end = ENDS[kind](lines, at);
    blocks.push({ kind, lines: lines.slice(at, end), end });
    at = end;
  }
  return blocks;
}

function kindOf(lines, at) {
  const line = lines[at];
  if (FENCE.test(line)) return "fence";
  if (HEADING.test(line)) return "heading";
  if (RULE.test(line)) return "rule";
  if (QUOTE.test(line)) return "quote";
  if (ITEM.test(line)) return "list";
  if (line.includes("|") && lines[at + 1]?.includes("|") && DIVIDER.test(lines[at + 1])) return "table";
  return "paragraph";
}

/** For each kind of block, where it ends: the number of the first line that is not part of it. */
const ENDS = {
  heading: (lines, at) => at + 1,
  rule: (lines, at) => at + 1,
  fence(lines, at) {
    const mark = FENCE.exec(lines[at])[1];
    let end = at + 1;
    while (end < lines.length && !isFenceEnd(lines[end], mark)) end++;
    return Math.min(end + 1, lines.length);
  },
  quote: (lines, at) => past(lines, at, (line) => QUOTE.test(line)),
  table: (lines, at) => past(lines, at, (line) => line.includes("|")),
  paragraph: (lines, at) => past(lines, at, (line, index) => index === at || (line.trim() && kindOf(lines, index) === "paragraph")),
  list(lines, at) {
    const first = ITEM.exec(lines[at]);
    const ordered = isOrdered(first);
    return past(lines, at, (line, index) => {
      const item = ITEM.exec(line);
      if (item) return item[1].length >= first[0].length || (isOrdered(item) === ordered && !RULE.test(line));
      if (/^ {2,}\S/.test(line)) return true;
      if (!line.trim()) return continues(lines, index, first);
      return lines[index - 1].trim() && kindOf(lines, index) === "paragraph";
    });
  },
};

function past(lines, at, belongs) {
  let end = at;
  while (end < lines.length && belongs(lines[end], end)) end++;
  return end;
}

function isFenceEnd(line, mark) {
  const trimmed = line.trim();
  return trimmed.length >= mark.length && trimmed === mark[0].repeat(trimmed.length);
}

/** Whether the list that begins with `first` goes on after the blank line at `index`. */
function continues(lines, index, first) {
  const next = lines.slice(index, index + 3).find((line) => line.trim()) ?? "";
  const item = ITEM.exec(next);
  return item ? isOrdered(item) === isOrdered(first) : /^ {2,}\S/.test(next);
}

function isOrdered(item) {
  return /\d/.test(item[2]);
}

function build(block, depth, heading) {
  if (depth > DEPTH) return el("p", null, block.lines.join("\n"));
  return BUILD[block.kind](block.lines, depth, heading);
}

function buildAll(text, depth, heading) {
  return cut(linesOf(text)).map((block) => build(weighed(block), depth + 1, heading));
}

const BUILD = {
  written: (lines) => el("pre", { tabindex: "0", role: "group", "aria-label": "As it was written" }, lines.join("\n")),
  rule: () => el("hr"),
  paragraph: (lines) => el("p", null, inline(lines.map((line) => line.trim()).join("\n"))),
  quote: (lines, depth, heading) => el("blockquote", null, buildAll(lines.map((line) => line.replace(QUOTE, "")).join("\n"), depth, heading)),
  heading(lines, depth, heading) {
    const [, marks, words] = HEADING.exec(lines[0]);
    const tag = marks.length > 2 && heading.seen ? "h3" : "h2";
    heading.seen = true;
    return el(tag, null, inline(words.trimEnd().replace(/ #+$/, "")));
  },
  fence(lines) {
    const [, mark, language] = FENCE.exec(lines[0]);
    const closed = lines.length > 1 && isFenceEnd(lines.at(-1), mark);
    const text = lines.slice(1, closed ? -1 : undefined).join("\n");
    const press = (event) => copy(text, event.currentTarget);
    const copier = el("button", { type: "button", class: "text-button", onclick: press, "aria-label": "Copy this code" }, "Copy");
    return el("figure", { class: "code" }, el("header", null, span("", language || "text"), copier), el("pre", { tabindex: "0", role: "group", "aria-label": `Code, ${language || "text"}` }, el("code", null, text)));
  },
  list(lines, depth, heading) {
    const first = ITEM.exec(lines[0]);
    const ordered = isOrdered(first);
    const start = ordered && parseInt(first[2], 10) !== 1 ? parseInt(first[2], 10) : null;
    return el(ordered ? "ol" : "ul", { start }, items(lines).map((item) => el("li", null, itemParts(item, depth, heading))));
  },
  table(lines) {
    const rows = [lines[0], ...lines.slice(2)].map(cells);
    const sides = cells(lines[1]).map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "to-center" : "to-right") : null));
    const row = (tag, values) => el("tr", null, rows[0].map((_, index) => el(tag, { class: sides[index], scope: tag === "th" ? "col" : null }, inline(values[index] ?? ""))));
    return el("div", { class: "sheet", tabindex: "0", role: "group", "aria-label": "Table" }, el("table", null, el("thead", null, row("th", rows[0])), el("tbody", null, rows.slice(1).map((values) => row("td", values)))));
  },
};

/** The lines of each item, without their marks and their indent. */
function items(lines) {
  const found = [];
  let indent = ITEM.exec(lines[0])[0].length;
  for (const line of lines) {
    const mark = ITEM.exec(line);
    if (mark && (!found.length || mark[1].length < indent)) {
      indent = mark[0].length;
      found.push([line.slice(indent)]);
    } else {
      found.at(-1).push(line.replace(new RegExp(`^ {0,${indent}}`), ""));
    }
  }
  return found;
}

/** What an item holds; one that is a single paragraph holds its words bare. */
function itemParts(lines, depth, heading) {
  const task = /^\[([ xX])\] (.*)$/.exec(lines[0]);
  const text = [task ? `${task[1] === " " ? "☐" : "☑"} ${task[2]}` : lines[0], ...lines.slice(1)].join("\n");
  const parts = buildAll(text, depth, heading);
  if (parts[0]?.tagName === "P" && !/\n *\n/.test(text.trim())) parts.splice(0, 1, ...parts[0].childNodes);
  return parts;
}

/** The cells of a table's line; a bar behind a backslash or inside code is text. */
function cells(line) {
  const bare = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return (bare.match(/(?:\\.|`[^`]*`|[^|\\`]|[\\`])+|(?<=\|)(?=\|)/g) ?? [""]).map((cell) => cell.trim().replace(/\\\|/g, "|"));
}
