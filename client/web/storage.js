// What the browser keeps for the page. One that keeps nothing (blocked site data, no room) throws: then it is gone with
// the page.

const here = new Map();

export function kept(name) {
  try {
    return here.get(name) ?? sessionStorage.getItem(name) ?? localStorage.getItem(name);
  } catch {
    return null;
  }
}

// Until the tab is closed with `forTab`, else until it is forgotten. Empty: forgets it.
export function keep(name, text, { forTab = false } = {}) {
  here.delete(name);
  try {
    sessionStorage.removeItem(name);
    localStorage.removeItem(name);
    if (text) (forTab ? sessionStorage : localStorage).setItem(name, text);
  } catch {
    if (text) here.set(name, text);
  }
}
