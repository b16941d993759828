/**
 * Messages on their way. Each is kept in this browser under its Idempotency-Key before it is sent,
 * so that a repeat, even after a reload, is the same message and never a second one.
 */
import { post, newKey, mayRepeat } from "../shared/api.js";

const STORE = "outbox";
const REPEAT_AFTER_MS = [800, 2500];
const SIGNED_OUT = ["signed_out", "stale_page"];
/** What stands below it when the page is loaded again, most likely by whoever signed in meanwhile. */
const LATER = "It was not sent, because you were signed out.";

/** What waits or failed: `{key, conversation, agent, text, files, at, error}`. */
export function waiting() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? [];
  } catch {
    return [];
  }
}

/** Those of one conversation; an empty id means those that open a new one. */
export function waitingIn(conversation) {
  return waiting().filter((entry) => entry.conversation === conversation);
}

export function newEntry(conversation, agent, text, files) {
  const entry = { key: newKey(), conversation, agent, text, files, at: new Date().toISOString(), error: "" };
  keep(entry);
  return entry;
}

export function drop(entry) {
  save(waiting().filter(({ key }) => key !== entry.key));
}

/** Where messages wait for those that were written before them; the first names the conversation. */
export function newLine() {
  return { tail: Promise.resolve(), conversation: "" };
}

/**
 * Sends an entry when what stands before it in its line has arrived or failed, and returns `{event,
 * conversation}`; on an error it stays, with the reason. One that opens a conversation and was never
 * tried (`isFresh`) goes on where its line went; another body under a key that was used is refused.
 */
export function sendInOrder(line, entry, isFresh) {
  const sent = line.tail.then(() => {
    if (isFresh && !entry.conversation && line.conversation) {
      entry.conversation = line.conversation;
      keep(entry);
    }
    return send(entry);
  });
  line.tail = sent.then(({ conversation }) => { line.conversation = conversation; }, () => {});
  return sent;
}

async function send(entry) {
  for (const delay of [...REPEAT_AFTER_MS, null]) {
    try {
      const answer = await post("/v1/messages", bodyOf(entry), { "Idempotency-Key": entry.key });
      drop(entry);
      return answer;
    } catch (error) {
      if (delay === null || !mayRepeat(error)) {
        keep({ ...entry, error: SIGNED_OUT.includes(error.code) ? LATER : error.message });
        throw error;
      }
      await new Promise((done) => setTimeout(done, delay));
    }
  }
  return null;
}

function bodyOf({ conversation, agent, text, files }) {
  const body = { text };
  if (conversation) body.conversation = conversation;
  if (agent) body.agent = agent;
  if (files.length) body.attachments = files.map((file) => file.id);
  return body;
}

function keep(entry) {
  save([...waiting().filter(({ key }) => key !== entry.key), entry]);
}

function save(entries) {
  try {
    localStorage.setItem(STORE, JSON.stringify(entries));
  } catch {
    // A browser that stores nothing still sends; only a reload would forget.
  }
}
