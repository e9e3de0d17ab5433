// The page: what a person does, and what then happens.

import * as api from "./api.js";
import * as dialogs from "./dialogs.js";
import { find, make, say } from "./elements.js";
import * as sidebar from "./sidebar.js";
import * as thread from "./thread.js";
import { Turn } from "./turn.js";
import { translate, words } from "./words.js";

const PAGE = 30;

const input = find("input");
let session = ""; // empty: a new one, which has no name yet
let turns = []; // on the page, the oldest first
let answering = null; // the AbortController of the answer under way
let opened = 0; // how often a conversation came onto the page
let loading = null; // of that conversation's earlier turns
let unseen = 0; // turns of it that came elsewhere, and are not on the page

const actions = { retry: answer, remove: removeTurn, copy };

// --- asking ---

async function submit() {
  const question = input.value.trim();
  if (!question || answering) return;
  input.value = "";
  fit();
  if (!session) enter(newName());
  const turn = new Turn(question, actions);
  turns.push(turn);
  thread.add(turn);
  await answer(turn);
}

// Of 16 random bytes, without crypto.randomUUID: that one is missing where there is no TLS.
function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function answer(turn) {
  if (answering) return;
  const mine = (answering = new AbortController());
  showBusy();
  turn.startAgain();
  thread.toEnd();
  say(words().thinking);
  const asked = performance.now();
  try {
    for await (const event of api.interact(turn.question, session, mine.signal)) {
      take(turn, event, asked);
      thread.follow();
    }
  } catch (error) {
    if (mine.signal.aborted) turn.know({ state: "stopped" });
    else fail(turn, error.message);
  }
  if (answering !== mine) return; // another conversation is on the page
  answering = null;
  showBusy();
  thread.follow();
  if (turn.facts.remembered) await learnId(turn);
}

function take(turn, event, asked) {
  if (event.type === "emotion") turn.know({ emotion: event.data });
  if (event.type === "translation") turn.know({ translation: event.data });
  if (event.type === "llm_chunk") {
    if (turn.answer === "") turn.facts.first = performance.now() - asked;
    turn.append(event.data);
  }
  if (event.type === "complete") {
    const { cached, remembered, model } = event;
    const cut = event.finish_reason === "MAX_TOKENS";
    turn.know({ state: "done", cached, remembered, model, cut, total: performance.now() - asked });
    say(words().answerIs(event.data));
  }
  if (event.type === "error") fail(turn, event.data);
}

function fail(turn, message) {
  turn.know({ state: "failed", error: message });
  say(`${words().failed}. ${message}`);
}

// `complete` says that a turn is remembered, not under which number.
async function learnId(turn) {
  sidebar.refresh();
  try {
    const { conversations } = await api.conversations(session, 5, 0);
    const known = new Set(turns.map(({ facts }) => facts.id));
    const found = conversations.find(
      ({ id, user_message, assistant_message }) =>
        !known.has(id) && user_message === turn.question && assistant_message === turn.answer,
    );
    if (found) turn.know({ id: found.id, ended: Date.parse(found.timestamp) });
  } catch {
    // Without its number the turn cannot be deleted here until the page is loaded again.
  }
}

const stop = () => answering?.abort();

function showBusy() {
  const focused = document.activeElement === find("send") || document.activeElement === find("stop");
  find("send").hidden = Boolean(answering);
  find("stop").hidden = !answering;
  if (focused) input.focus();
}

async function copy(turn) {
  try {
    await navigator.clipboard.writeText(turn.answer);
  } catch {
    return showProblem(words().notCopied);
  }
  say(words().copied);
}

// --- conversations ---

// The session is on the page from now on, in the address too, so that a reload brings it back.
function enter(name) {
  session = name;
  history.replaceState(null, "", addressOf(name));
  sidebar.mark(name);
}

// By a click, after which the browser's back leads here again.
function goTo(name) {
  if (name !== session) history.pushState(null, "", addressOf(name));
  return open(name);
}

async function open(name) {
  stop();
  answering = null;
  opened++;
  loading = null;
  unseen = 0;
  showBusy();
  enter(name);
  turns = [];
  thread.clear();
  find("earlier").hidden = true;
  closeList();
  if (name) await loadEarlier();
  thread.toEnd();
}

// False: there are no more. Whoever asks while they come waits with the first.
function loadEarlier() {
  loading ??= addEarlier(session, opened);
  return loading;
}

async function addEarlier(name, visit) {
  const known = turns.map(({ facts }) => facts).filter(({ remembered }) => remembered);
  const offset = known.length + unseen;
  try {
    const { conversations, count } = await api.conversations(name, PAGE, offset);
    // Fewer than were asked for are not the end: large ones come in short pages.
    const more = count === PAGE || (count > 0 && (await api.conversations(name, 1, offset + count)).count > 0);
    if (visit !== opened) return false;
    // Where the conversation went on elsewhere, these begin with what is here already, or is newer.
    const ids = new Set(known.map(({ id }) => id));
    const older = conversations.filter(
      ({ id, timestamp }) => !ids.has(id) && !(Date.parse(timestamp) > known[0]?.ended),
    );
    const none = older.length === 0 && more;
    unseen += count - older.length;
    const earlier = older.map((conversation) => Turn.remembered(conversation, actions)).reverse();
    turns = [...earlier, ...turns];
    thread.addBefore(earlier);
    find("earlier").hidden = !more;
    return none ? await addEarlier(name, visit) : more;
  } catch (error) {
    if (visit === opened && error.status !== 401) showProblem(error.message);
    return false;
  } finally {
    if (visit === opened) loading = null;
  }
}

// A turn that a search found: its conversation is opened as far back as it takes.
async function showTurn({ id, session_id }) {
  if (session_id === session) closeList();
  else await goTo(session_id);
  while (session_id === session && !thread.show(id)) {
    const more = await loadEarlier();
    if (!more) return void thread.show(id);
  }
}

async function removeTurn(turn) {
  const yes = await dialogs.confirm(words().deleteTurnTitle, words().deleteTurnText);
  if (!yes) return;
  try {
    await api.deleteConversation(turn.facts.id);
  } catch (error) {
    return showProblem(error.message);
  }
  turns = turns.filter((other) => other !== turn);
  thread.remove(turn);
  say(words().deleted);
  input.focus();
  sidebar.refresh();
}

async function removeSession({ session_id, conversations, last_message }) {
  const text = words().deleteSessionText(last_message, conversations);
  const yes = await dialogs.confirm(words().deleteSessionTitle, text);
  if (!yes) return;
  if (session_id === session) stop();
  try {
    await api.deleteSession(session_id);
  } catch (error) {
    return showProblem(error.message);
  }
  say(words().deleted);
  if (session_id === session) await open("");
  (document.body.classList.contains("list-open") ? find("close-list") : input).focus();
  sidebar.refresh();
}

// What went wrong beside an answer, below the conversation.
function showProblem(message) {
  const box = make("div", { className: "failure problem" }, make("p", {}, message));
  box.append(make("button", { type: "button", onclick: () => box.remove() }, words().close));
  find("turns").append(box);
  say(message);
  thread.toEnd();
}

const addressOf = (name) => (name ? `#${encodeURIComponent(name)}` : location.pathname);

const nameInAddress = () => {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return ""; // not an address that the page made
  }
};

// --- the list on a phone ---

const narrow = matchMedia("(max-width: 50rem)");

function showList(open) {
  document.body.classList.toggle("list-open", open);
  find("open-list").setAttribute("aria-expanded", String(open));
  find("room").inert = open && narrow.matches;
}

function closeList() {
  if (!document.body.classList.contains("list-open")) return;
  showList(false);
  find("open-list").focus();
}

find("open-list").addEventListener("click", () => {
  showList(true);
  find("close-list").focus();
});
find("close-list").addEventListener("click", closeList);
find("shade").addEventListener("click", closeList);
narrow.addEventListener("change", closeList);

// --- keys, and the field that grows ---

function fit() {
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
  thread.follow();
}

input.addEventListener("input", fit);
input.addEventListener("keydown", (event) => {
  // While Hangul is composed Enter ends the composition. Safari says so by 229 alone.
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key !== "Enter" || event.shiftKey || composing) return;
  event.preventDefault();
  submit();
});
find("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
find("stop").addEventListener("click", stop);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || dialogs.isOpen()) return;
  if (document.body.classList.contains("list-open")) closeList();
  else stop();
});

for (const link of document.querySelectorAll('a[href="#"]')) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    await goTo("");
    input.focus();
  });
}
find("list").addEventListener("click", (event) => {
  if (event.target.closest("a")?.dataset.session === session) closeList();
});
find("earlier").addEventListener("click", loadEarlier);
addEventListener("hashchange", () => {
  if (nameInAddress() !== session) open(nameInAddress());
});

// --- start ---

function speak() {
  translate(document);
  find("who").textContent = api.user();
  find("examples").replaceChildren(
    ...words().examples.map((text) => {
      const onclick = () => {
        input.value = text;
        submit();
      };
      return make("li", {}, make("button", { type: "button", onclick }, text));
    }),
  );
  for (const turn of turns) turn.render();
  sidebar.refresh();
}

function startOver() {
  speak();
  return open(nameInAddress());
}

function becomeAnother() {
  enter("");
  return startOver();
}

// A question that was refused stays, to be asked again.
api.onTokenWanted(() => dialogs.askForToken(turns.length > 0 ? speak : startOver));
dialogs.makeSettings({ onLanguage: speak, onUser: becomeAnother });
sidebar.start({ onRemove: removeSession, onShow: showTurn });
await startOver();
if (matchMedia("(pointer: fine)").matches) input.focus();
