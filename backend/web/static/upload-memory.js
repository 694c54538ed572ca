// Which uploads were begun in this browser, with the numbers of their files, and which of them this tab holds: an upload
// is one tab's at a time, by a lock that ends with the tab. Over plain HTTP there are no locks: there a tab remembers
// its own alone. Sends nothing.

const NAME = "vintedbot-upload/";
const store = navigator.locks ? localStorage : sessionStorage;

// An upload held by this tab: { id, files: key → number, release }; null where another tab holds it.
export async function hold(id) {
  const release = navigator.locks ? await lock(NAME + id) : () => null;
  return release && { id, files: JSON.parse(store.getItem(NAME + id) ?? "{}"), release };
}

function lock(name) {
  return new Promise((answer) => {
    navigator.locks.request(name, { ifAvailable: true }, (held) => (held ? new Promise(answer) : answer(null)));
  });
}

// The ids of what was begun, those that know most of these files first.
export function begun(keys) {
  const ids = Object.keys(store).filter((name) => name.startsWith(NAME)).map((name) => name.slice(NAME.length));
  const knows = (id) => keys.filter((key) => key in JSON.parse(store.getItem(NAME + id))).length;
  return ids.sort((a, b) => knows(b) - knows(a));
}

export function remember(held, files) {
  held.files = files;
  store.setItem(NAME + held.id, JSON.stringify(files));
}

export function forget(held) {
  store.removeItem(NAME + held.id);
  held.release();
}
