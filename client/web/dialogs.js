// The three dialogs: a question before something is deleted, the token, the settings.

import * as api from "./api.js";
import { find } from "./elements.js";
import { keep } from "./storage.js";
import { language, setLanguage, words } from "./words.js";

for (const dialog of document.querySelectorAll("dialog")) {
  for (const button of dialog.querySelectorAll(".choices button[type=button]")) {
    button.addEventListener("click", () => dialog.close(button.value));
  }
  dialog.addEventListener("cancel", () => (dialog.returnValue = ""));
  const isBeside = ({ target, clientX, clientY }) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    return target === dialog && (clientX < left || clientX > right || clientY < top || clientY > bottom);
  };
  let pressedBeside = false; // text may be selected from within a field to beside the dialog
  dialog.addEventListener("pointerdown", (event) => (pressedBeside = isBeside(event)));
  dialog.addEventListener("click", (event) => {
    if (pressedBeside && isBeside(event)) dialog.close("");
  });
}

export const isOpen = () => document.querySelector("dialog[open]") !== null;

// Whether the person says yes.
export function confirm(title, text) {
  const dialog = find("confirm");
  find("confirm-title").textContent = title;
  find("confirm-text").textContent = text;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// Calls `done` once the server has taken a token.
export function askForToken(done) {
  const dialog = find("sign-in");
  const input = find("token");
  const wrong = find("token-wrong");
  if (dialog.open) return;
  input.value = wrong.textContent = "";
  dialog.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    const key = input.value.trim();
    wrong.textContent = "";
    try {
      if (await api.isTaken(key)) {
        api.setToken(key, find("remember").checked);
        dialog.close("");
        done();
      } else {
        wrong.textContent = words().badToken;
        input.select();
      }
    } catch (error) {
      wrong.textContent = error.message;
    }
  };
  dialog.showModal();
}

// `onLanguage` is called once another language is chosen, `onUser` once it is another person.
export function makeSettings({ onLanguage, onUser }) {
  const dialog = find("settings-dialog");
  const theme = document.documentElement.dataset;
  find("open-settings").addEventListener("click", () => {
    find("language").value = language();
    find("theme").value = theme.theme;
    find("name").value = api.user();
    find("signed-in").hidden = !api.token();
    find("signed-out").hidden = Boolean(api.token());
    dialog.showModal();
  });
  find("language").addEventListener("change", (event) => {
    setLanguage(event.target.value);
    onLanguage();
  });
  find("theme").addEventListener("change", (event) => {
    theme.theme = event.target.value;
    keep("luna.theme", event.target.value);
  });
  find("name").addEventListener("change", (event) => {
    api.setUser(event.target.value.trim());
    onUser();
  });
  find("name").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) dialog.close("");
  });
  find("sign-out").addEventListener("click", () => {
    api.setToken("");
    dialog.close("");
    onUser();
  });
}
