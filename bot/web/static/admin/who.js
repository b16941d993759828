/** Actors and targets of the book in words: names for ids, and a link to what has a page. */
import { el, told } from "../shared/dom.js";
import { get } from "../shared/api.js";
import { capital } from "../shared/words.js";
import { reveal } from "../shared/reveal.js";

/** The names of the people here by id; none for those who may not list them. */
export async function peopleNames() {
  if (told("role") !== "owner") return new Map();
  const { items } = await get("/v1/people").catch(() => ({ items: [] }));
  return new Map(items.map(({ id, name }) => [id, name]));
}

/** `person:per_1` as a name, `agent:bri` as Bri, anything else as it is. */
export function actorName(actor, names) {
  const [kind, id] = String(actor ?? "").split(/:(.*)/s);
  if (kind === "person") return names.get(id) ?? "Somebody who left";
  return capital(kind === "agent" ? id : kind);
}

/** A target, shortened, with a link where it has a page. */
export function targetPart(target, names) {
  const id = String(target ?? "");
  if (names.has(id)) return names.get(id);
  const short = id.length > 18 ? `${id.slice(0, 4)}…${id.slice(-6)}` : id;
  const page = id.startsWith("evt_") ? `/admin/events/${encodeURIComponent(id)}` : id.startsWith("cnv_") ? `/chat/${encodeURIComponent(id)}` : "";
  return page ? el("a", { href: page, title: id }, reveal(short)) : el("span", { title: id }, reveal(short));
}
