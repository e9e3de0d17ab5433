// Before the first paint: light or dark where the person has chosen, else as the device has it.
try {
  document.documentElement.dataset.theme = localStorage.getItem("luna.theme") ?? "auto";
} catch {
  document.documentElement.dataset.theme = "auto"; // the browser keeps nothing
}
