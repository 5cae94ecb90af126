// Questions to the gateway, and what to say when it refuses.

/** The gateway's answer was an error; the message says what to do. */
export class Refused extends Error {
  constructor(status, message, body) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** JSON of a page. Throws Refused. */
export const ask = (path) => exchange(path, {});

/** Send JSON. Throws Refused. */
export const send = (method, path, body) =>
  exchange(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}) });

async function exchange(path, how) {
  let answer;
  try {
    answer = await fetch(path, { headers: { accept: "application/json" }, ...how });
  } catch {
    throw new Refused(0, "The gateway does not answer. Look whether it runs.");
  }
  const text = await answer.text();
  const body = parsed(text);
  if (answer.ok) return body;
  if (answer.status === 401) location.assign(`/signin?next=${encodeURIComponent(location.pathname)}`);
  throw new Refused(answer.status, body?.error?.message ?? `The gateway answered ${answer.status}.`, body);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Ask again and again while the page is looked at; never twice at once. Returns a way to ask now. */
export function every(ms, look) {
  let busy = false;
  const go = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      await look();
    } finally {
      busy = false;
    }
  };
  setInterval(go, ms);
  document.addEventListener("visibilitychange", go);
  go();
  return go;
}
