// What the page asks of luna. Every function throws a Failure where it does not get it.

import { language, words } from "./words.js";
import { readEvents } from "./sse.js";
import { keep, kept } from "./storage.js";

const TOKEN = "luna.token";
const USER = "luna.user";

// `message` is for the person, in the language that the page is shown in.
export class Failure extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status; // of HTTP; 0: the server did not answer
  }
}

// --- who asks ---

export const token = () => kept(TOKEN) ?? "";

// Kept until the tab is closed, or, with `remember`, until it is forgotten. Empty: forgets it.
export const setToken = (text, remember = false) => keep(TOKEN, text, { forTab: !remember });

// With a token the server knows whose it is.
export const user = () => (token() ? "" : (kept(USER) ?? ""));

export const setUser = (name) => keep(USER, name);

// Called whenever the server wants a token, or another one.
let askForToken = () => {};
export const onTokenWanted = (listener) => (askForToken = listener);

// --- asking ---

async function send(method, path, { body, signal, key = token() } = {}) {
  const headers = {};
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      signal,
      body: body && JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
    });
  } catch (error) {
    throw signal?.aborted ? error : new Failure(words().unreachable);
  }
  if (response.ok) return response;
  throw await failureOf(response);
}

async function failureOf(response) {
  const { status } = response;
  const error = await response.json().catch(() => ({})); // of a proxy, perhaps: not luna's JSON
  const message = status === 401 ? words().tokenWanted : error.message || words().httpError(status);
  return new Failure(message, status);
}

async function ask(method, path, options = {}) {
  try {
    return await (await send(method, path, options)).json();
  } catch (error) {
    if (error.status === 401 && options.key === undefined) askForToken();
    throw error;
  }
}

const query = (fields) => {
  const given = Object.entries({ user_id: user(), language: language(), ...fields });
  return "?" + new URLSearchParams(given.filter(([, value]) => value !== ""));
};

// The events of one answer, as {type, data, ...}; the last is `complete` or `error`. A stream that
// ends without either is a Failure.
export async function* interact(input, session_id, signal) {
  const body = {
    input,
    user_id: user(),
    session_id,
    language: language(),
    features: { details: true },
  };
  let response;
  try {
    response = await send("POST", "/interact/stream", { body, signal });
  } catch (error) {
    if (error.status === 401) askForToken();
    throw error;
  }
  let ended = false; // the stream is read to its end all the same, so that its connection is kept
  try {
    for await (const data of readEvents(response.body)) {
      const event = JSON.parse(data);
      yield event;
      ended ||= event.type === "complete" || event.type === "error";
    }
  } catch (error) {
    if (!ended) throw signal.aborted ? error : new Failure(words().broken);
  }
  if (!ended) throw new Failure(words().broken);
}

export const sessions = (limit, offset) => ask("GET", "/memory/sessions" + query({ limit, offset }));

// The newest first.
export const conversations = (session_id, limit, offset) =>
  ask("GET", "/memory/conversations" + query({ session_id, limit, offset }));

export const search = (keyword, limit) =>
  ask("POST", "/memory/conversations/search", {
    body: { keyword, user_id: user(), limit, language: language() },
  });

export const deleteConversation = (id) => ask("DELETE", `/memory/conversations/${id}` + query({}));

export const deleteSession = (session_id) => ask("DELETE", "/memory/clear" + query({ session_id, confirm: true }));

// Whether the server takes this token; throws where it cannot be asked.
export async function isTaken(key) {
  if (!/^[\x21-\x7e]+$/.test(key)) return false; // fetch throws where a header holds Hangul
  try {
    await ask("GET", "/memory/stats", { key });
    return true;
  } catch (error) {
    if (error.status === 401) return false;
    throw error;
  }
}
