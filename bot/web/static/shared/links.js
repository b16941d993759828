/** Links out of text that others wrote. */
import { el, span } from "./dom.js";

/**
 * A link whose words cannot lie about where it leads: an outside host stands beside the words
 * unless they are the address itself. Null for any scheme but http, https and mailto.
 */
export function anchor(address, children, words = "") {
  if (/[\p{Cc}\p{Cf}\s]/u.test(address)) return null;
  if (/^\/(?![/\\])/.test(address)) return [el("a", { href: address }, children)];
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (url.protocol === "mailto:") return [el("a", { href: url.href, rel: "noopener" }, children)];
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  if (url.origin === location.origin) return [el("a", { href: url.href }, children)];
  const honest = words.startsWith(`${url.protocol}//${url.host}`);
  return [
    el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", title: url.href, "data-address": address }, children, span("unseen", " (opens a new tab)")),
    span("host", honest ? " ↗" : ` ↗ ${url.host}`),
  ];
}
