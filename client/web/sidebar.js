// The list of conversations, and what a search found in them.

import * as api from "./api.js";
import { find, iconButton, make, say } from "./elements.js";
import { when, words } from "./words.js";

const PAGE = 50;
const MOST = 1000; // that the server lists at once
const MOST_FOUND = 50;
const TYPING_PAUSE_MS = 200;

const list = find("list");
const input = find("search");
let current = "";
let limit = PAGE;
let request = 0; // only the last one's answer is shown
let remove = () => {};
let show = () => {};

// `onRemove(session)` is called when one is to be deleted, `onShow(conversation)` when one that was
// found is to be shown.
export function start({ onRemove, onShow }) {
  remove = onRemove;
  show = onShow;
  let pause;
  input.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(refresh, TYPING_PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") input.value = "";
    if (event.key !== "Enter" && event.key !== "Escape") return;
    if (event.isComposing) return;
    event.stopPropagation();
    clearTimeout(pause);
    refresh();
  });
}

// Which session is on the page.
export function mark(session_id) {
  current = session_id;
  for (const link of list.querySelectorAll("a[data-session]")) {
    if (link.dataset.session === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

// Asks anew for what the list shows: the sessions, or what was found.
export async function refresh() {
  const mine = ++request;
  const keyword = input.value.trim();
  try {
    const answer = keyword ? await api.search(keyword, MOST_FOUND) : await api.sessions(limit, 0);
    if (mine !== request) return;
    if (keyword) showFound(answer);
    else showSessions(answer.sessions);
  } catch (error) {
    if (mine === request) showFailure(error);
  }
}

function showSessions(sessions) {
  const entries = sessions.map((session) => {
    const text = session.last_message || session.session_id;
    const link = make(
      "a",
      { href: `#${encodeURIComponent(session.session_id)}`, dataset: { session: session.session_id } },
      make("span", { className: "line" }, text),
      make("time", { dateTime: session.last_conversation }, when(session.last_conversation)),
    );
    return make(
      "li",
      {},
      link,
      iconButton("remove", words().deleteSession(text), () => remove(session)),
    );
  });
  if (entries.length === 0) return replace(make("p", {}, words().noSessions));
  const content = [make("ul", {}, ...entries)];
  if (sessions.length === limit && limit < MOST) {
    const more = make(
      "button",
      { type: "button", className: "plain", onclick: () => refresh((limit = Math.min(limit + PAGE, MOST))) },
      words().more,
    );
    content.push(more);
  }
  replace(...content);
  mark(current);
}

// Whoever is in the list with the keyboard stays at the same entry, or goes on from where the list ended.
function replace(...content) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const keyOf = (link) => link?.dataset.session ?? link?.dataset.turn;
  const key = keyOf(focused?.closest("li")?.querySelector("a"));
  const atEnd = focused?.matches("button.plain");
  const length = list.querySelectorAll("li").length;
  list.replaceChildren(...content);
  const links = [...list.querySelectorAll("a")];
  if (key) links.find((link) => keyOf(link) === key)?.closest("li").querySelector(focused.localName).focus();
  if (atEnd) (links[length] ?? list.querySelector("button.plain"))?.focus();
}

function showFound({ results, total }) {
  const entries = results.map((conversation) => {
    const parts = conversation.snippet.map(({ text, match }) => (match ? make("mark", {}, text) : text));
    const link = make(
      "a",
      {
        href: `#${encodeURIComponent(conversation.session_id)}`,
        dataset: { turn: conversation.id },
        onclick: () => show(conversation),
      },
      make("span", { className: "snippet" }, ...parts),
      make("time", { dateTime: conversation.timestamp }, when(conversation.timestamp)),
    );
    return make("li", {}, link);
  });
  const found = words().found(total, results.length);
  replace(make("p", {}, found), make("ul", {}, ...entries));
  say(found);
}

function showFailure(error) {
  const again = make(
    "button",
    { type: "button", onclick: refresh },
    error.status === 401 ? words().signIn : words().retry,
  );
  list.replaceChildren(make("div", { className: "failure" }, make("p", {}, error.message), again));
}
