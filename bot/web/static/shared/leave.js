/** Signing out: the session ends on the server, and this browser forgets drafts and unsent messages. */
import { part, announce } from "./dom.js";
import { post } from "./api.js";

export function bindLeave() {
  const made = part("sign-out");
  made.addEventListener("click", async () => {
    made.disabled = true;
    try {
      await post("/v1/logout");
      localStorage.clear();
      location.assign("/in");
    } catch (error) {
      made.textContent = error.message;
      made.disabled = false;
      announce(error.message, true);
    }
  });
}
