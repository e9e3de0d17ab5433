// What the browser keeps for the page. One that keeps nothing (blocked site data) throws: then it is gone with the page.

const here = new Map();

export function kept(name) {
  try {
    return sessionStorage.getItem(name) ?? localStorage.getItem(name);
  } catch {
    return here.get(name) ?? null;
  }
}

// Until the tab is closed with `forTab`, else until it is forgotten. Empty: forgets it.
export function keep(name, text, { forTab = false } = {}) {
  try {
    sessionStorage.removeItem(name);
    localStorage.removeItem(name);
    if (text) (forTab ? sessionStorage : localStorage).setItem(name, text);
  } catch {
    if (text) here.set(name, text);
    else here.delete(name);
  }
}
