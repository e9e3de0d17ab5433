// The conversation on the page, and where it stands while it grows.

import { find } from "./elements.js";

// In pixels: further from the end than this, a button leads back to it.
const FAR = 120;

const scroller = find("scroller");
const turns = find("turns");
const toNewest = find("to-newest");

let following = true;
let last = 0;

const distance = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;

// Whoever scrolls up reads on undisturbed; whoever comes back to the end follows again.
function look() {
  if (distance() < 2) following = true;
  else if (scroller.scrollTop < last) following = false;
  last = scroller.scrollTop;
  toNewest.hidden = following || distance() < FAR;
}

scroller.addEventListener("scroll", look);
scroller.addEventListener("wheel", (event) => (following &&= event.deltaY >= 0), { passive: true });
new ResizeObserver(look).observe(turns);
new ResizeObserver(() => follow()).observe(scroller);
toNewest.addEventListener("click", () => {
  toEnd();
  find("input").focus();
});

// Called after the conversation has grown at its end.
export function follow() {
  if (following) scroller.scrollTop = scroller.scrollHeight;
  look();
}

export function toEnd() {
  following = true;
  follow();
}

export function add(turn) {
  turns.append(turn.element);
  welcome();
  toEnd();
}

// Earlier turns, which leave what is seen where it is.
export function addBefore(earlier) {
  const before = distance();
  turns.prepend(...earlier.map((turn) => turn.element));
  welcome();
  scroller.scrollTop = scroller.scrollHeight - scroller.clientHeight - before;
}

export function remove(turn) {
  turn.element.remove();
  welcome();
}

export function clear() {
  turns.replaceChildren();
  following = true;
  welcome();
}

// Brings a turn of before to where it is read; false if it is not on the page.
export function show(id) {
  const element = find(`turn-${id}`);
  if (!element) return false;
  following = false;
  element.scrollIntoView({ block: "start" });
  element.classList.remove("shown");
  void element.offsetWidth; // so that it shines up once more
  element.classList.add("shown");
  return true;
}

function welcome() {
  document.body.classList.toggle("empty", turns.childElementCount === 0);
}
