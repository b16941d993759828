/** Files of a message that is being written: each is uploaded at once and can be taken out again. */
import { el, fill, part, iconButton, announce, notice } from "../shared/dom.js";
import { upload } from "../shared/api.js";
import { size } from "../shared/words.js";

const MOST = 20;
const MOST_BYTES = 25 * 1024 * 1024;

/** Takes files into the composer `view`, uploads one after the other and shows how far each is. */
export function addFiles(view, files) {
  const room = MOST - view.files.length;
  for (const source of files.slice(0, room)) {
    const file = { source, name: source.name || "pasted file", size: source.size, id: "", error: "", share: 0, shown: null, stop: () => {} };
    view.files.push(file);
    take(view, file);
  }
  const words = files.length > room && `A message takes ${MOST} files. ${files.length - room} of these would be too many and stayed behind.`;
  if (words) {
    fill(part("composer-note"), notice(words));
    announce(words);
  }
  view.text.focus();
}

/** On a slow line twelve at once would all be late: the next one begins when one has arrived. */
function take(view, file) {
  file.error = "";
  file.isFinal = file.size > MOST_BYTES;
  if (file.isFinal) fail(file, "This file is too large: 25 MB is the most.");
  file.arrives = (view.uploads ?? Promise.resolve()).then(() => send(view, file)).finally(() => drawFiles(view));
  view.uploads = file.arrives;
  drawFiles(view);
}

async function send(view, file) {
  if (file.error || !view.files.includes(file)) return;
  const share = (part) => {
    file.share = part;
    file.shown.textContent = state(file); // nothing else is drawn anew: focus may stand on a button
  };
  try {
    file.id = (await upload("/v1/files", file.source, { share, stop: (stop) => { file.stop = stop; } })).id;
    announce(`${file.name} attached`);
  } catch (error) {
    file.isFinal = error.status === 413;
    if (view.files.includes(file)) fail(file, error.message);
  }
}

function fail(file, words) {
  file.error = words;
  announce(`${file.name}: ${words}`, true);
}

function state(file) {
  if (file.error || file.id) return file.error || size(file.size);
  return file.share ? `uploading, ${Math.floor(file.share * 100)} %` : "uploading…";
}

function drawFiles(view) {
  const list = part("files");
  const remove = (file) => {
    view.files = view.files.filter((other) => other !== file);
    file.stop();
    drawFiles(view);
    view.text.focus();
  };
  const shown = (file) => {
    file.shown = el("span", { class: file.error ? "bad" : "meta number" }, state(file));
    return file.shown;
  };
  const line = (file) => el(
    "li",
    null,
    el("span", { class: "name", title: file.name }, file.name),
    shown(file),
    file.error && !file.isFinal && el("button", { type: "button", class: "text-button", onclick: () => take(view, file) }, "Try again"),
    iconButton("close", `Remove ${file.name}`, () => remove(file)),
  );
  list.hidden = view.files.length === 0;
  fill(list, view.files.map(line));
}
