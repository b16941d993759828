/** The pages of texts and of mail, which most visits to the administration do not open. */
export { textsPage } from "./admin/texts.js";
export { mailPage } from "./admin/mail.js";
