// Elements, made and found. Text is always set as text.

export const find = (id) => document.getElementById(id);

// An element with properties, children (elements or texts) and, in `dataset`, data attributes.
export function make(tag, { dataset = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  Object.assign(element.dataset, dataset);
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

// One of index.html's symbols.
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

// A button that is only an icon, and says to everybody what it does.
export function iconButton(name, label, onclick) {
  const button = make("button", { type: "button", className: "icon", title: label, onclick }, icon(name));
  button.setAttribute("aria-label", label);
  return button;
}

// Says something to a screen reader, once.
export function say(text) {
  find("said").replaceChildren(make("p", {}, text)); // anew, so that the same is said again
}
