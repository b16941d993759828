/** What every page uses; the other scripts import it from here, so that it is loaded once. */
export { el, span, part, told, icon, button, iconButton, fill, announce, sentence, notice, mend, ownAddress, copy } from "./shared/dom.js";
export { load, warm } from "./shared/load.js";
export { ApiError, mayRepeat, wantsKey, newKey, call, get, post, query, upload } from "./shared/api.js";
export { clock, day, moment, brief, distance, money, count, size, took, capital, platform } from "./shared/words.js";
export { reveal, hiddenCount } from "./shared/reveal.js";
export { anchor } from "./shared/links.js";
export { watchStatus, refreshStatus, setTitle, setPending } from "./shared/status.js";
export { openDialog, showBare } from "./shared/dialogs.js";
export { openPalette, openHelp } from "./shared/palette.js";
export { bindKeys, isTyping, isDialogOpen } from "./shared/keys.js";
export { bindDrawer } from "./shared/drawer.js";
export { keyForm } from "./shared/key.js";
export { bindLeave } from "./shared/leave.js";
