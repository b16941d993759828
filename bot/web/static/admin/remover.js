/** A button that removes a rule after a second press, so that a slip removes nothing. */
import { button, announce } from "../shared/dom.js";
import { call } from "../shared/api.js";

export function remover(path, rule, done) {
  let sure = false;
  const made = button("Remove", async () => {
    if (!sure) {
      sure = true;
      made.textContent = "Really remove?";
      made.classList.add("danger");
      return;
    }
    made.disabled = true;
    try {
      await call("DELETE", path);
      announce("Rule removed");
      await done();
    } catch (error) {
      made.textContent = error.message;
    }
  });
  made.setAttribute("aria-label", `Remove the rule for ${rule}`);
  made.addEventListener("blur", () => {
    sure = false;
    made.textContent = "Remove";
    made.classList.remove("danger");
  });
  return made;
}
