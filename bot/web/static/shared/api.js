/** The JSON API as the pages use it: one function, one error, keys that make a repeat harmless. */
import { told } from "./dom.js";

const PATIENCE_MS = 20000;
const STALLED_MS = 120000;
/** What mends an error by its code. A page's own session is meant, whatever programs are told. */
const MENDS = {
  signed_out: { label: "How to sign in", href: "/in" },
  stale_page: { label: "Load the page", press: () => location.reload() },
};

/**
 * An answer that is no success. `status` 0 means that nobody answered; `code`, `message` and
 * `field` are the API's, `body` is the whole answer (a 409 on an approval brings the new card).
 */
export class ApiError extends Error {
  constructor(status, body) {
    super(body?.error?.message || `Switchboard answered with ${status}. Try again.`);
    this.status = status;
    this.code = body?.error?.code ?? "";
    this.field = body?.error?.field ?? "";
    this.action = body?.error?.action ?? MENDS[this.code] ?? null;
    this.body = body;
  }
}

/** Whether the answer may come if the same request is sent again: nobody answered, or for the moment. */
export function mayRepeat(error) {
  return [0, 502, 503, 504].includes(error.status) && !wantsKey(error);
}

/** Whether a model key would mend it. */
export function wantsKey(error) {
  return /key/.test(error.code ?? "") || /#key$/.test(error.action?.href ?? "");
}

/** A fresh Idempotency-Key. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Asks the API and returns its answer. Throws ApiError and nothing else. */
export async function call(method, path, body, headers = {}) {
  const request = { method, headers: { Accept: "application/json", ...headers }, signal: AbortSignal.timeout(PATIENCE_MS) };
  if (method !== "GET") request.headers["X-CSRF-Token"] = told("csrf");
  if (body !== undefined && body !== null) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new ApiError(0, fallback(0));
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer ?? {};
  throw refusal(response.status, answer);
}

/**
 * Sends one file and returns the API's answer. `on.share(part)` is told how much of it has left,
 * `on.stop` gets a function that gives it up. A slow line may take as long as it takes: only one on
 * which nothing moves for two minutes counts as broken. Throws ApiError.
 */
export function upload(path, file, on = {}) {
  const form = new FormData();
  form.append("file", file, file.name || "pasted file");
  return new Promise((done, refuse) => {
    const request = new XMLHttpRequest();
    let watch = 0;
    const moved = () => {
      clearTimeout(watch);
      watch = setTimeout(() => request.abort(), STALLED_MS);
    };
    request.open("POST", path);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRF-Token", told("csrf"));
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      moved();
      on.share?.(loaded / total);
    });
    request.addEventListener("loadend", () => {
      clearTimeout(watch);
      if (request.status >= 200 && request.status < 300) done(request.response ?? {});
      else refuse(refusal(request.status, request.response));
    });
    on.stop?.(() => request.abort());
    moved();
    request.send(form);
  });
}

function refusal(status, answer) {
  return new ApiError(status, status === 401 ? fallback(401) : answer ?? fallback(status));
}

export function get(path) {
  return call("GET", path);
}

export function post(path, body, headers) {
  return call("POST", path, body ?? {}, headers);
}

/** A path with the parameters that have a value. */
export function query(path, values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

function fallback(status) {
  const words = {
    0: ["unreachable", "Switchboard does not answer. Is it still running, and are you online?"],
    401: ["signed_out", "You are signed out. What you wrote is kept here: sign in, then load this page again."],
    403: ["forbidden", "You may not do this. Ask an owner of this workspace."],
    404: ["not_found", "There is no such thing here."],
    413: ["too_large", "This is too large."],
    429: ["limit", "Too much in a short time. Wait a little and try again."],
  };
  const [code, message] = words[status] ?? ["failed", `Switchboard answered with ${status}. Try again.`];
  return { error: { code, message } };
}
