// Before the first paint: light or dark where the person has chosen, else as the device has it.
document.documentElement.dataset.theme = localStorage.getItem("luna.theme") ?? "auto";
