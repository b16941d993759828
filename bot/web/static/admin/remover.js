/** A button that removes a rule after a second press, so that a slip removes nothing. */
import { button, announce } from "../shared/dom.js";
import { call } from "../shared/api.js";

export function remover(path, label, done, word = "Remove") {
  let sure = false;
  const made = button(word, async () => {
    if (!sure) {
      sure = true;
      made.textContent = `Really ${word.toLowerCase()}?`;
      made.classList.add("danger");
      return;
    }
    made.disabled = true;
    try {
      await call("DELETE", path);
      announce("Done");
      await done();
    } catch (error) {
      sure = false;
      made.disabled = false;
      made.textContent = error.message;
      announce(error.message, true);
    }
  });
  made.setAttribute("aria-label", label);
  made.addEventListener("blur", () => {
    sure = false;
    made.textContent = word;
    made.classList.remove("danger");
  });
  return made;
}
