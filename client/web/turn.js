// One question and its answer, on the page.

import { make, iconButton } from "./elements.js";
import { emotion, language, percent, seconds, words } from "./words.js";

export class Turn {
  // What is known of it. `state`: waiting, streaming, done, stopped, failed.
  facts = { state: "waiting" };
  element = make("article", { className: "turn" });
  #question = make("div", { className: "question" });
  #about = make("div", { className: "about" });
  #answer = make("div", { className: "answer" });
  #failure = make("div", { className: "failure" });
  #footer = make("footer");
  #text = document.createTextNode("");
  #shown = new Map(); // part -> what it was made of
  #actions;

  // `actions`: retry(turn), remove(turn), copy(turn).
  constructor(question, actions) {
    this.question = question;
    this.#actions = actions;
    this.element.append(this.#question, this.#about, this.#answer, this.#failure, this.#footer);
    this.render();
  }

  // A turn as luna remembers it.
  static remembered(conversation, actions) {
    const turn = new Turn(conversation.user_message, actions);
    turn.#text.data = conversation.assistant_message;
    turn.know({
      state: "done",
      id: conversation.id,
      ended: Date.parse(conversation.timestamp),
      remembered: true,
      emotion: conversation.emotion && { emotion: conversation.emotion },
      cached: conversation.cached,
      cut: conversation.finish_reason === "MAX_TOKENS",
      model: conversation.model,
      total: conversation.processing_time * 1000,
    });
    return turn;
  }

  get answer() {
    return this.#text.data;
  }

  know(facts) {
    Object.assign(this.facts, facts);
    this.render();
  }

  append(text) {
    this.#text.appendData(text);
    if (this.facts.state === "waiting") this.know({ state: "streaming" });
  }

  startAgain() {
    this.#text.data = "";
    this.facts = {};
    this.know({ state: "waiting" });
  }

  // Everything but the answer's text, which only grows. What has not changed is left alone, with the
  // keyboard's focus in it.
  render() {
    const { state, id, emotion: felt, translation, error } = this.facts;
    this.element.dataset.state = state;
    this.element.setAttribute("aria-busy", String(state === "waiting" || state === "streaming"));
    if (id) this.element.id = `turn-${id}`;
    this.#fill(this.#question, [], () => [unseen(`${words().you}: `), make("p", {}, this.question)]);
    this.#fill(this.#about, [felt, translation], () => this.#makeAbout());
    this.#fill(this.#answer, [state === "waiting"], () => this.#makeAnswer());
    this.#fill(this.#failure, [state, error], () => this.#makeFailure());
    this.#fill(this.#footer, [this.facts], () => this.#makeFooter());
  }

  #fill(part, of, build) {
    const key = JSON.stringify([language(), of]);
    if (this.#shown.get(part) === key) return;
    this.#shown.set(part, key);
    part.replaceChildren(...build());
  }

  #makeAbout() {
    const { emotion: felt, translation } = this.facts;
    const parts = [];
    if (felt) {
      const { name, tone } = emotion(felt.emotion);
      const sure = felt.confidence === undefined ? "" : ` ${percent(felt.confidence)}`;
      parts.push(
        make("span", { className: "emotion", dataset: { tone } }, unseen(`${words().emotion}: `), name + sure),
      );
    }
    if (translation) {
      const [summary, text] = [make("summary", {}, words().translation), make("p", { lang: "en" }, translation)];
      parts.push(make("details", {}, summary, text));
    }
    return parts;
  }

  #makeAnswer() {
    const text = make("div", { className: "text" }, this.#text);
    if (this.facts.state !== "waiting") return [unseen(`${words().title}: `), text];
    const dots = make("span", { className: "dots" }, make("i"), make("i"), make("i"));
    return [dots, unseen(words().thinking)];
  }

  #makeFailure() {
    if (this.facts.state !== "failed") return [];
    const retry = make("button", { type: "button", onclick: () => this.#actions.retry(this) }, words().retry);
    return [make("strong", {}, words().failed), make("p", {}, this.facts.error), retry];
  }

  #makeFooter() {
    const { state, id, remembered, cached, cut, model, first, total } = this.facts;
    const parts = [];
    const fact = (text, properties = {}) => parts.push(make("span", properties, text));
    if (state === "stopped") {
      fact(words().stopped);
      const onclick = () => this.#actions.retry(this);
      parts.push(make("button", { type: "button", className: "plain", onclick }, words().askAgain));
    }
    if (cached) fact(words().cached, { className: "cached", title: words().cachedHint });
    if (first !== undefined) fact(words().firstWord(seconds(first)));
    if (state !== "done") return parts;
    if (total !== undefined) fact(words().inAll(seconds(total)));
    if (cut) fact(words().cutAtLength);
    if (!remembered) fact(words().notRemembered);
    if (model) fact(model);
    if (navigator.clipboard) parts.push(iconButton("copy", words().copy, () => this.#actions.copy(this)));
    if (id) parts.push(iconButton("remove", words().deleteTurn, () => this.#actions.remove(this)));
    return parts;
  }
}

const unseen = (text) => make("span", { className: "unseen" }, text);
