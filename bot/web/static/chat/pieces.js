/**
 * A long text in pieces. Each piece costs a bounded amount of drawing, whatever stands in it: long
 * lists and tables are cut between their items and rows, and what cannot be cut is shown as it was
 * written. How much of a text is drawn at once is bounded as well; the rest comes when asked for.
 */
const PIECE = 300;
const DEAR = 2000;
const DEAR_CHARS = 20000;
const CELLS = 1200;
const PORTION = 1500;
const PORTION_CHARS = 60000;
const MARKS = /[*_~`[<]|https?:/g;
const TOP_ITEM = /^ {0,1}([-*+]|\d{1,9}[.)])( +|$)/;

/** A block of Markdown as blocks that each are cheap to draw; kept with the block. */
export function pieces(block) {
  block.pieces ??= [...split(block)].map(weighed);
  return block.pieces;
}

/** How many of `all` are drawn in `portions` portions; the first always is. */
export function within(all, portions) {
  let cost = 0;
  let chars = 0;
  const past = all.findIndex((piece, at) => {
    cost += piece.cost;
    chars += piece.text.length;
    return at && (cost > portions * PORTION || chars > portions * PORTION_CHARS);
  });
  return past < 0 ? all.length : past;
}

function* split(block) {
  const { kind, lines } = block;
  if (kind === "table") yield* rows(lines);
  else if (kind === "list") yield* items(lines);
  else yield block;
}

/** Tables of so many rows that their cells can be drawn; each has the head of the whole. */
function* rows([head, divider, ...rest]) {
  const most = Math.floor(CELLS / (head.split("|").length + 1));
  if (!most) return yield { kind: "written", lines: [head, divider, ...rest] };
  for (let at = 0; at === 0 || at < rest.length; at += most) yield { kind: "table", lines: [head, divider, ...rest.slice(at, at + most)] };
  return undefined;
}

/** Lists of whole items, so many that their marks are about a piece. */
function* items(lines) {
  let from = 0;
  let cost = 0;
  for (let at = 0; at < lines.length; at++) {
    if (cost > PIECE && TOP_ITEM.test(lines[at])) {
      yield { kind: "list", lines: lines.slice(from, at) };
      from = at;
      cost = 0;
    }
    cost += marks(lines[at]) + 1;
  }
  yield { kind: "list", lines: lines.slice(from) };
}

/** A block and what drawing it costs; one that is too dear as it was written. */
export function weighed({ kind, lines }) {
  const text = lines.join("\n");
  if (kind === "fence" || kind === "written") return { kind, lines, text, cost: 1 };
  const cost = kind === "table" ? lines.length * lines[0].split("|").length : marks(text) + lines.length;
  const isDear = cost > DEAR || (kind !== "table" && text.length > DEAR_CHARS);
  return isDear ? { kind: "written", lines, text, cost: 1 } : { kind, lines, text, cost };
}

function marks(text) {
  return text.match(MARKS)?.length ?? 0;
}
