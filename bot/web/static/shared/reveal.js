/**
 * Text with nothing hidden in it: characters that a person cannot see, or that turn the text
 * around, are shown as marked code points. Used wherever a text is about to be approved or sent.
 */
import { el, span } from "./dom.js";

/** Controls, format and default-ignorable characters, odd line ends, private use; tab and line ends are not hidden. */
const HIDDEN = /(?!\n|\t|\r\n)[\p{Cc}\p{Cf}\p{DI}\p{Zl}\p{Zp}\p{Co}]/gu;
/** A joiner or selector that belongs to an emoji is part of what is seen. */
const EMOJI_BEFORE = /[\p{Extended_Pictographic}\p{Emoji_Modifier}]\uFE0F?$/u;
const EMOJI_AFTER = /^\p{Extended_Pictographic}/u;

const NAMES = {
  0x00ad: "soft hyphen", 0x200b: "zero-width space", 0x200c: "zero-width non-joiner", 0x200d: "zero-width joiner",
  0x200e: "left-to-right mark", 0x200f: "right-to-left mark", 0x202a: "left-to-right embedding",
  0x202b: "right-to-left embedding", 0x202c: "end of embedding", 0x202d: "left-to-right override",
  0x202e: "right-to-left override", 0x2060: "word joiner", 0x2066: "left-to-right isolate",
  0x2067: "right-to-left isolate", 0x2068: "isolate", 0x2069: "end of isolate", 0xfeff: "byte order mark", 0x0d: "carriage return",
};

/** The text as nodes, hidden characters marked. */
export function reveal(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (isPartOfEmoji(text, match)) continue;
    if (match.index > from) nodes.push(text.slice(from, match.index));
    nodes.push(mark(match[0]));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}

/** How many hidden characters a text has. */
export function hiddenCount(text) {
  return [...text.matchAll(HIDDEN)].filter((match) => !isPartOfEmoji(text, match)).length;
}

function isPartOfEmoji(text, match) {
  if (match[0] !== "\u200d" && match[0] !== "\ufe0f") return false;
  if (!EMOJI_BEFORE.test(text.slice(Math.max(0, match.index - 4), match.index))) return false;
  return match[0] === "\ufe0f" || EMOJI_AFTER.test(text.slice(match.index + 1, match.index + 3));
}

function mark(character) {
  const code = character.codePointAt(0);
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  const words = NAMES[code] ?? "hidden character";
  return el("span", { class: "hidden-char", title: `${name} ${words}` }, name, span("unseen", ` ${words} `));
}
