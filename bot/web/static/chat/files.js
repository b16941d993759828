/** Files of a message that is being written: each is uploaded at once and can be taken out again. */
import { el, fill, part, iconButton, announce, span } from "../shared/dom.js";
import { call } from "../shared/api.js";
import { size } from "../shared/words.js";

/** Takes files into the composer `view`, uploads them and shows how far they are. */
export function addFiles(view, files) {
  for (const source of files) {
    const file = { source, name: source.name || "pasted file", size: source.size, id: "", error: "" };
    view.files.push(file);
    upload(view, file);
  }
  view.text.focus();
}

function upload(view, file) {
  const form = new FormData();
  form.append("file", file.source, file.name);
  file.error = "";
  file.arrives = call("POST", "/v1/files", form).then(
    ({ id }) => {
      file.id = id;
      announce(`${file.name} attached`);
    },
    (error) => {
      file.error = error.message;
      announce(`${file.name}: ${error.message}`, true);
    },
  ).finally(() => drawFiles(view));
  drawFiles(view);
}

function drawFiles(view) {
  const list = part("files");
  const remove = (file) => {
    view.files = view.files.filter((other) => other !== file);
    drawFiles(view);
    view.text.focus();
  };
  const line = (file) => el(
    "li",
    null,
    el("span", { class: "name", title: file.name }, file.name),
    el("span", { class: file.error ? "bad" : "meta" }, file.error || (file.id ? size(file.size) : "uploading…")),
    file.error && el("button", { type: "button", class: "text-button", onclick: () => upload(view, file) }, "Try again"),
    iconButton("close", `Remove ${file.name}`, () => remove(file)),
  );
  list.hidden = view.files.length === 0;
  fill(list, view.files.map(line));
}
