/** Files: what is kept here and whose it is, a new one, a link to one, and a way to delete it. */
import { el, fill, button, copy, span, announce } from "../shared/dom.js";
import { get, post, query, upload } from "../shared/api.js";
import { moment, size } from "../shared/words.js";
import { listOf } from "./list.js";
import { remover } from "./remover.js";

export async function filesPage(main) {
  const me = (await get("/v1/me")).person;
  const said = el("div", { role: "status" });
  const pick = el("input", { type: "file", id: "new-file", class: "unseen", tabindex: "-1", "aria-label": "File to keep" });
  const shared = el("input", { type: "checkbox" });
  const list = listOf({
    path: "/v1/files",
    label: "Files",
    empty: { text: "Nothing is kept here yet. Agents can read what you upload.", label: "Upload a file", press: () => pick.click() },
    columns: [
      { name: "Name", cell: (file) => el("a", { href: address(file), download: file.name }, file.name) },
      { name: "Size", tight: true, number: true, cell: (file) => size(file.size) },
      { name: "For", tight: true, cell: (file) => (file.shared ? span("good", "Everybody") : span("soft", file.person === me.id ? "You" : "One person")) },
      { name: "Since", tight: true, cell: ({ created_at: at }) => moment(at) },
      { name: "", tight: true, cell: (file) => el("span", { class: "pager" }, linker(file, said), (me.role === "owner" || file.person === me.id) && remover(address(file), `Delete ${file.name}`, () => list.refresh(), "Delete")) },
    ],
  });
  pick.addEventListener("change", () => keep(pick, shared, said, list));
  fill(
    main,
    el("section", null, list.node),
    el(
      "section",
      { class: "limit" },
      el("h2", null, "Add a file"),
      el("p", { class: "meta" }, "25 MB at most. PDF, Word, web pages, tables and plain text can be read by agents."),
      me.role === "owner" && el("p", null, el("label", { class: "check" }, shared, el("b", null, "Everybody in the workspace may read it"))),
      pick,
      button("Upload a file", () => pick.click()),
      said,
    ),
  );
  return list.refresh();
}

function address(file) {
  return `/v1/files/${encodeURIComponent(file.id)}`;
}

async function keep(pick, shared, said, list) {
  const [source] = pick.files;
  if (!source) return;
  const says = span("meta", `Uploading ${source.name}…`);
  const share = (part) => { says.textContent = `Uploading ${source.name}: ${Math.floor(part * 100)} %`; };
  fill(said, says);
  try {
    await upload(query("/v1/files", { shared: shared.checked ? "1" : "" }), source, { share });
    fill(said, span("good", `${source.name} is kept.`));
    await list.refresh();
  } catch (error) {
    fill(said, span("bad", error.message));
  }
  pick.value = "";
}

/** A link is shown where it can be copied, this once. */
function linker(file, said) {
  const made = button("Link", async () => {
    made.disabled = true;
    try {
      const { url, expires_at: until } = await post(`${address(file)}/link`);
      const text = span("", `Whoever has this link gets ${file.name}, until ${moment(until)}. `, el("code", null, url));
      fill(said, el("div", { class: "notice" }, text, button("Copy", (event) => copy(url, event.currentTarget))));
      announce("The link stands below");
      said.scrollIntoView({ block: "nearest" });
    } catch (error) {
      fill(said, span("bad", error.message));
    }
    made.disabled = false;
  });
  made.setAttribute("aria-label", `Link to ${file.name}`);
  return made;
}
