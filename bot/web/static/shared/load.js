/**
 * Scripts that a page needs only sometimes: `talk` draws a conversation, `later` draws approvals
 * and what is opened by hand, `posts` the pages of texts and mail, `accounts` that of connections. The
 * shell says where they are; each is loaded once.
 */
import { told } from "./dom.js";

/** A browser may remember that a script could not be had; another address asks anew. */
let failures = 0;

/** Loads a script by its name and returns what it exports. Throws when it cannot be had now. */
export async function load(name) {
  try {
    return await import(told(name) + (failures ? `&again=${failures}` : ""));
  } catch (error) {
    failures++;
    throw new Error("Switchboard does not answer. Is it still running, and are you online?", { cause: error });
  }
}

/** Begins loading a script as soon as somebody moves or types, so that it is there when wanted. */
export function warm(name) {
  const begin = () => load(name).catch(() => {});
  for (const kind of ["keydown", "pointermove", "touchstart"]) window.addEventListener(kind, begin, { once: true, passive: true });
}
