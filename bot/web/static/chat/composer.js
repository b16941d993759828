/**
 * Where a message is written. Enter always does something: it sends, or it says why it cannot.
 * A draft outlives a reload; files come by button, by drop and by paste.
 */
import { fill, part, notice, announce } from "../shared/dom.js";
import { load } from "../shared/load.js";

const DRAFT = "draft:";
const MOST_CHARS = 200000; // as the API takes

/** The composer of the shell. `on.send(text, files, agent)` takes a message that is ready. */
export function composer(on) {
  const view = { on, text: part("text"), files: [], place: "" };
  part("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit(view);
  });
  view.text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit(view);
  });
  view.text.addEventListener("input", () => {
    grow(view);
    remember(view);
    say("");
  });
  takeFiles(view);
  return {
    focus: () => view.text.focus(),
    place: (name) => settlePlace(view, name),
    write: (text) => write(view, text),
    text: () => view.text.value,
    get agent() { return part("agent").value; },
    set agent(name) { part("agent").value = name; },
  };
}

/** Chooses whose draft is shown: each conversation has its own, and so has the next new one. */
function settlePlace(view, name) {
  view.place = name;
  view.text.value = recall(DRAFT + name);
  grow(view);
  say("");
}

function write(view, text) {
  view.text.value = text;
  view.text.focus();
  view.text.setSelectionRange(text.length, text.length);
  grow(view);
  remember(view);
}

async function submit(view) {
  const text = view.text.value.trim();
  const failed = view.files.some((file) => file.error);
  if (failed) return refuse(view, "A file was not taken. Remove it or try it again, then send.");
  if (text.length > MOST_CHARS) return refuse(view, "A message has at most 200,000 characters. Send a part of it, or put it into a file.");
  if (!text && !view.files.length) return refuse(view, "Write a message first, then press Enter.");
  if (view.files.some((file) => !file.id)) {
    say("It is sent as soon as the file is here…");
    await Promise.allSettled(view.files.map((file) => file.arrives));
    if (view.files.some((file) => file.error)) return refuse(view, "A file was not taken. Remove it or try it again, then send.");
  }
  const files = view.files.map(({ id, name, size: bytes }) => ({ id, name, size: bytes }));
  view.files = [];
  part("files").hidden = true;
  view.text.value = "";
  grow(view);
  remember(view);
  say("");
  return view.on.send(text || files.map((file) => file.name).join(", "), files);
}

function refuse(view, words) {
  say(words);
  announce(words);
  view.text.focus();
}

function say(words) {
  fill(part("composer-note"), words && notice(words));
}

/** Grows with its text where the browser does not do so by itself. */
function grow({ text }) {
  if (CSS.supports("field-sizing", "content")) return;
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

function remember(view) {
  try {
    if (view.text.value) localStorage.setItem(DRAFT + view.place, view.text.value);
    else localStorage.removeItem(DRAFT + view.place);
  } catch {
    // Without storage a draft lives as long as the page.
  }
}

function recall(name) {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

function takeFiles(view) {
  const frame = part("frame");
  const picker = part("file");
  part("attach").addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    add(view, [...picker.files]);
    picker.value = "";
  });
  view.text.addEventListener("paste", (event) => {
    const { files } = event.clipboardData;
    const text = event.clipboardData.getData("text");
    const isLong = !files.length && text.length + view.text.value.length > MOST_CHARS;
    if (!files.length && !isLong) return;
    event.preventDefault();
    add(view, isLong ? [new File([text], "pasted text.txt", { type: "text/plain" })] : [...files]);
    if (isLong) refuse(view, "This is too long for a message, so it goes along as a file.");
  });
  frame.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    frame.classList.add("dropping");
  });
  frame.addEventListener("dragleave", (event) => frame.contains(event.relatedTarget) || frame.classList.remove("dropping"));
  frame.addEventListener("drop", (event) => {
    frame.classList.remove("dropping");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    add(view, [...event.dataTransfer.files]);
  });
}

async function add(view, files) {
  (await load("later")).addFiles(view, files);
}
