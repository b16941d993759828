/**
 * Markdown inside one paragraph: code, emphasis, links. A scanner that only moves forward, so that
 * hostile text costs no more than its length; what it does not understand stays text. Pictures
 * become links, because a page must not fetch an address that a model wrote.
 */
import { el } from "../shared/dom.js";
import { anchor } from "../shared/links.js";

const DEPTH = 6;
const TRIES = 40;
const SPECIAL = /[\\`*_~![<\n]|https?:\/\//g;
const WORD = /[\p{L}\p{N}_]/u;
const BARE = /https?:\/\/[^\s<>"'`|\\^{}]+/y;
const MARKS = [["**", "strong"], ["__", "strong"], ["~~", "del"], ["*", "em"], ["_", "em"]];

/** Nodes of one paragraph. */
export function inline(text, depth = 0, linked = false) {
  const out = [];
  const dead = new Set();
  let plain = "";
  let at = 0;
  while (at < text.length) {
    SPECIAL.lastIndex = at;
    const next = depth < DEPTH ? SPECIAL.exec(text)?.index ?? text.length : text.length;
    plain += text.slice(at, next);
    at = next;
    if (at === text.length) break;
    const hit = special(text, at, dead, depth, linked);
    if (hit) {
      if (plain) out.push(plain);
      plain = "";
      out.push(...hit.nodes);
      at = hit.end;
    } else {
      plain += text[at++];
    }
  }
  if (plain) out.push(plain);
  return out;
}

function special(text, at, dead, depth, linked) {
  const character = text[at];
  if (character === "\n") return { nodes: [el("br")], end: at + 1 };
  if (character === "\\") return /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "") ? { nodes: [text[at + 1]], end: at + 2 } : null;
  if (character === "`") return code(text, at, dead);
  if (character === "[" || character === "!") return linked ? null : link(text, at, depth, dead);
  if (character === "<") return linked ? null : angle(text, at);
  if (character === "h") return linked ? null : bare(text, at);
  return emphasis(text, at, dead, depth, linked);
}

function code(text, at, dead) {
  let end = at;
  while (text[end] === "`") end++;
  const fence = text.slice(at, end);
  if (dead.has(fence)) return { nodes: [fence], end };
  let close = text.indexOf(fence, end);
  while (close !== -1 && text[close + fence.length] === "`") {
    let past = close;
    while (text[past] === "`") past++;
    close = text.indexOf(fence, past);
  }
  if (close === -1) {
    dead.add(fence);
    return { nodes: [fence], end };
  }
  const inside = text.slice(end, close).replace(/\n/g, " ");
  const trimmed = /^ .*[^ ].* $/.test(inside) ? inside.slice(1, -1) : inside;
  return { nodes: [el("code", null, trimmed)], end: close + fence.length };
}

function emphasis(text, at, dead, depth, linked) {
  for (const [mark, tag] of MARKS) {
    if (!text.startsWith(mark, at) || dead.has(mark)) continue;
    const from = at + mark.length;
    if (/\s|^$/.test(text[from] ?? "")) continue;
    if (mark[0] === "_" && WORD.test(text[at - 1] ?? "")) continue;
    const close = closing(text, mark, from);
    if (close === -1) {
      dead.add(mark);
      continue;
    }
    return { nodes: [el(tag, null, inline(text.slice(from, close), depth + 1, linked))], end: close + mark.length };
  }
  return null;
}

/** Where the mark that opened before `from` closes; -1 when nowhere within reach. */
function closing(text, mark, from) {
  let close = from;
  for (let tries = 0; tries < TRIES; tries++) {
    close = text.indexOf(mark, close + 1);
    if (close === -1) return -1;
    const doubled = mark.length === 1 && (text[close + 1] === mark || text[close - 1] === mark);
    const inWord = mark[0] === "_" && WORD.test(text[close + mark.length] ?? "");
    if (!/\s|\\/.test(text[close - 1]) && !doubled && !inWord) return close;
    if (doubled && text[close + 1] === mark) close++;
  }
  return -1;
}

/** `[words](address "title")`, and the same for a picture. */
function link(text, at, depth, dead) {
  const picture = text[at] === "!";
  const from = at + (picture ? 2 : 1);
  if ((picture && text[at + 1] !== "[") || dead.has("](")) return null;
  const middle = text.indexOf("](", from);
  if (middle === -1) {
    dead.add("](");
    return null;
  }
  const words = text.slice(from, middle);
  const end = closeBracket(text, middle + 2);
  if (end === -1 || /[[\]]/.test(words) || words.length > 1000) return null;
  const address = text.slice(middle + 2, end).trim().replace(/\s+("[^"]*"|'[^']*')$/, "").replace(/^<(.*)>$/, "$1");
  const made = anchor(address, picture ? [`Picture: ${words || address}`] : inline(words, depth + 1, true), words);
  return made && { nodes: made, end: end + 1 };
}

function closeBracket(text, from) {
  let open = 1;
  for (let at = from; at < text.length && at < from + 2000 && text[at] !== "\n"; at++) {
    if (text[at] === "(") open++;
    if (text[at] === ")" && --open === 0) return at;
  }
  return -1;
}

function angle(text, at) {
  const reach = text.slice(at, at + 2000);
  const end = at + reach.indexOf(">");
  if (end < at) return null;
  const address = text.slice(at + 1, end);
  if (!/^(https?:\/\/|mailto:)[^\s<>]+$/i.test(address)) return null;
  const made = anchor(address, [address], address);
  return made && { nodes: made, end: end + 1 };
}

function bare(text, at) {
  BARE.lastIndex = at;
  let address = BARE.exec(text)?.[0];
  if (!address || WORD.test(text[at - 1] ?? "")) return null;
  address = address.replace(/[.,:;!?*_~\]]+$/, "");
  if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
  const made = anchor(address, [address], address);
  return made && { nodes: made, end: at + address.length };
}
