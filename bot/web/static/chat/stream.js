/**
 * One conversation as it happens: server-sent events over fetch, so that a dropped connection goes
 * on from the last id by itself. A browser allows six connections to one host for all its tabs
 * together, so at most four tabs hold a stream; the others look every few seconds.
 */
const SLOTS = 4;
const LOOK_EVERY_MS = 2000;
const SILENCE_MS = 60000;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 10000;

/**
 * Follows a conversation until `close()` is called. `on.after()` says the number of the last message
 * that is known: the stream begins behind it. `on.event(name, data)` gets each event,
 * `on.state` one of `live`, `lost` (trying again), `out` (signed out) and `gone` (will not come back), and `on.look()`
 * asks the page to fetch what is new because no stream could be had.
 */
export function follow(conversation, on) {
  const control = new AbortController();
  run(`/v1/conversations/${encodeURIComponent(conversation)}/stream`, on, control.signal);
  return { close: () => control.abort() };
}

async function run(path, on, signal) {
  while (!signal.aborted) {
    const held = await withSlot(() => stream(path, on, signal));
    if (held === "gone") return;
    if (signal.aborted) return;
    on.look();
    await pause(LOOK_EVERY_MS, signal);
  }
}

/** Runs `work` while holding one of the slots that all tabs share; does nothing when all are taken. */
async function withSlot(work) {
  if (!navigator.locks) return work();
  for (let slot = 0; slot < SLOTS; slot++) {
    const result = await navigator.locks.request(`stream-${slot}`, { ifAvailable: true }, (lock) => (lock ? work() : "taken"));
    if (result !== "taken") return result;
  }
  return "taken";
}

/** Holds a stream open, again and again; returns when it is aborted or refused for good. */
async function stream(path, on, signal) {
  const place = { last: "", wait: FIRST_WAIT_MS };
  while (!signal.aborted) {
    const status = await connect(path, on, signal, place);
    if (signal.aborted) return "closed";
    if (status === 401 || status === 403 || status === 404) {
      on.state(status === 401 ? "out" : "gone");
      return "gone";
    }
    on.state("lost");
    await pause(place.wait * (0.75 + Math.random() / 2), signal);
    place.wait = Math.min(place.wait * 2, LONGEST_WAIT_MS);
  }
  return "closed";
}

/** One connection from its first byte to its last; returns its status, 0 when nobody answered. */
async function connect(path, on, signal, place) {
  const control = new AbortController();
  const stop = () => control.abort();
  signal.addEventListener("abort", stop);
  let watch = setTimeout(stop, SILENCE_MS);
  try {
    const headers = place.last ? { Accept: "text/event-stream", "Last-Event-ID": place.last } : { Accept: "text/event-stream" };
    const response = await fetch(`${path}?after=${on.after()}`, { headers, signal: control.signal, cache: "no-store" });
    if (!response.ok) return response.status;
    on.state("live");
    const read = parser((event) => {
      place.wait = FIRST_WAIT_MS;
      if (event.id) place.last = event.id;
      if (event.retry) place.wait = event.retry;
      if (event.data) on.event(event.name, JSON.parse(event.data));
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      clearTimeout(watch);
      watch = setTimeout(stop, SILENCE_MS);
      read(piece.value);
    }
    return response.status;
  } catch (error) {
    if (!(error instanceof TypeError) && error.name !== "AbortError") throw error;
    return 0;
  } finally {
    clearTimeout(watch);
    signal.removeEventListener("abort", stop);
  }
}

/** A parser of the event-stream format that takes text in pieces of any size. */
export function parser(emit) {
  let rest = "";
  let event = { name: "message", data: "", id: "", retry: 0 };
  const field = (line) => {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") event.data += (event.data && "\n") + value;
    else if (name === "event") event.name = value;
    else if (name === "id") event.id = value;
    else if (name === "retry") event.retry = Number(value) || 0;
  };
  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line) {
        field(line);
        continue;
      }
      if (event.data || event.id || event.retry) emit(event);
      event = { name: "message", data: "", id: "", retry: 0 };
    }
  };
}

/** Waits; ends at once when aborted, and when the browser comes back online or into sight. */
function pause(ms, signal) {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      window.removeEventListener("online", end);
      document.removeEventListener("visibilitychange", end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    window.addEventListener("online", end);
    document.addEventListener("visibilitychange", end);
  });
}
