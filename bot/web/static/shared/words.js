/** Times, money and numbers as people read them. Times come as ISO 8601 in UTC and are shown here. */

const LANGUAGE = navigator.language.startsWith("en") ? navigator.language : "en-GB";
const clockFormat = new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit", hour12: false });
const dayFormat = new Intl.DateTimeFormat(LANGUAGE, { weekday: "long", day: "numeric", month: "long" });
const dateFormat = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short" });
const wholeFormat = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** 10:12 */
export function clock(iso) {
  return clockFormat.format(new Date(iso));
}

/** Today, Yesterday, or Tuesday 18 November. */
export function day(iso) {
  const now = new Date();
  const at = new Date(iso);
  if (at.toDateString() === now.toDateString()) return "Today";
  now.setDate(now.getDate() - 1);
  return at.toDateString() === now.toDateString() ? "Yesterday" : dayFormat.format(at);
}

/** 21 Nov 2026, 10:12 */
export function moment(iso) {
  return iso ? wholeFormat.format(new Date(iso)) : "";
}

/** 10:12 for today, 18 Nov for another day. */
export function brief(iso) {
  return new Date(iso).toDateString() === new Date().toDateString() ? clock(iso) : dateFormat.format(new Date(iso));
}

/** in 6 days, 3 minutes ago */
export function distance(iso) {
  const seconds = Math.round((new Date(iso) - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, span]) => Math.abs(seconds) >= span) ?? UNITS[3];
  return relative.format(Math.round(seconds / size), unit);
}

/** Millionths of a dollar as $0.12; small sums keep two digits that say something. */
export function money(micros) {
  const dollars = (micros ?? 0) / 1e6;
  if (dollars === 0 || Math.abs(dollars) >= 0.01) return `$${dollars.toFixed(2)}`;
  return `$${dollars.toPrecision(2).replace(/0+$/, "")}`;
}

/** 1 approval, 2 approvals */
export function count(number, one, many = `${one}s`) {
  return `${(number ?? 0).toLocaleString("en")} ${number === 1 ? one : many}`;
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** 340 ms, 2.1 s */
export function took(ms) {
  if (ms === null || ms === undefined) return "";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function capital(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : "";
}

const PLATFORMS = { sms: "SMS", email: "E-mail", api: "API", wordpress: "WordPress" };

/** What people call a channel. */
export function platform(name) {
  return PLATFORMS[name] ?? capital(name);
}
