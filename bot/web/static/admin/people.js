/** Who may talk here: the people, a new one, and somebody who holds a pairing code. */
import { el, fill, button, copy, span, announce } from "../shared/dom.js";
import { post } from "../shared/api.js";
import { moment, capital, platform } from "../shared/words.js";
import { listOf } from "./list.js";
import { formOf } from "./form.js";
import { remover } from "./remover.js";

export function peoplePage(main) {
  const list = listOf({
    path: "/v1/people",
    label: "People",
    onrows: (people) => pair.querySelector("select").replaceChildren(...[{ id: "", name: "Somebody new" }, ...people].map(({ id, name }) => el("option", { value: id }, name))),
    empty: { text: "Nobody is here yet.", label: "Add a person", press: () => document.querySelector("[name=name]").focus() },
    columns: [
      { name: "Name", cell: ({ name }) => name },
      { name: "Role", tight: true, cell: (person) => roleOf(person, () => list.refresh()) },
      { name: "E-mail", cell: ({ email }) => email },
      { name: "Writes from", cell: ({ identities }) => [...new Set((identities ?? []).map(({ channel }) => platform(channel)))].join(", ") },
      { name: "Since", tight: true, cell: ({ created_at: at }) => moment(at) },
      { name: "", tight: true, cell: ({ id, name }) => remover(`/v1/people/${encodeURIComponent(id)}`, `Remove ${name}`, () => list.refresh()) },
    ],
  });
  const fields = [{ name: "name", label: "Name" }, { name: "email", label: "E-mail (optional)", type: "email" }, { name: "role", label: "Role", options: [["member", "Member"], ["owner", "Owner"]] }];
  const add = formOf(fields, "Add person", async (values, form) => {
    const { person, link } = await post("/v1/people", values);
    form.reset();
    await list.refresh();
    return once(person, link);
  });
  const whom = { name: "person", label: "They are", options: [] };
  const pair = formOf([{ name: "code", label: "Code", placeholder: "K7Q2M4WD" }, { name: "name", label: "Name (optional)" }, whom], "Admit", async (values, form) => {
    const { person } = await post("/v1/pair", { ...values, code: values.code.toUpperCase() });
    form.reset();
    await list.refresh();
    return span("good", values.person ? `They are known as ${person.name} now.` : `${person.name} is admitted.`);
  });
  fill(
    main,
    el("section", null, el("h2", null, "People"), list.node),
    el("section", { class: "limit" }, el("h2", null, "Add a person"), add),
    el("section", { class: "limit" }, el("h2", null, "Admit somebody who wrote to the bot"), el("p", { class: "meta" }, "A stranger gets a code of eight characters. It is good for an hour. Somebody who writes from elsewhere already can do it alone: /link and the code, written there."), pair),
  );
  return list.refresh();
}

/** What somebody is, to change; a role that the house refuses goes back, and it says why. */
function roleOf({ id, name, role }, changed) {
  const problem = span("bad");
  const onchange = async () => {
    try {
      await post(`/v1/people/${encodeURIComponent(id)}`, { role: made.value });
      announce(`${name}: ${capital(made.value)}`);
      await changed();
    } catch (error) {
      made.value = role;
      problem.textContent = error.message;
      announce(error.message, true);
    }
  };
  const made = el("select", { "aria-label": `Role of ${name}`, onchange }, ["member", "owner"].map((value) => el("option", { value, selected: value === role }, capital(value))));
  return [made, problem];
}

/** The sign-in link, which is shown this once and kept nowhere. */
function once(person, link) {
  const text = el("code", null, link);
  return el("div", { class: "notice" }, span("", `Send this sign-in link to ${person.name}. It works once and is not shown again. `, text), button("Copy", (event) => copy(link, event.currentTarget)));
}
