// The feed of samples: one a second, picked up where it broke off.

const STALE_MS = 5000;
const AGAIN_MS = 3000;
const MEASURES_MAX = 600;

/**
 * Follow the feed. `on.past(past)` comes first and whenever too much was missed, `on.sample(sample)`
 * each second (it may give a promise of its end), `on.state(state, words)` when the connection changes: "live", "lost", "ended", "refused".
 */
export function follow(on) {
  let source = null;
  let last = 0;
  const heard = () => {
    last = performance.now();
    on.state("live", "live");
  };
  const open = () => {
    source = new EventSource("/api/v1/live");
    source.addEventListener("past", (event) => {
      heard();
      on.past(JSON.parse(event.data));
    });
    source.addEventListener("sample", (event) => {
      heard();
      measured(() => on.sample(JSON.parse(event.data)));
    });
    source.addEventListener("end", () => on.state("ended", "the gateway is shutting down"));
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return on.state("lost", "reconnecting");
      // The browser has given up: the answer was no stream. Find out why, then try again.
      refusal().then((words) => on.state("lost", words));
      setTimeout(open, AGAIN_MS);
    });
  };
  setInterval(() => {
    if (last && performance.now() - last > STALE_MS) on.state("lost", "no word from the gateway");
  }, 1000);
  open();
}

// How long an update takes, from the event to the frame that shows it: `update` in the browser's profiler.
async function measured(update) {
  const begin = performance.now();
  await update();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  performance.measure("update", { start: begin });
  if (performance.getEntriesByName("update").length > MEASURES_MAX) performance.clearMeasures("update");
}

async function refusal() {
  try {
    const answer = await fetch("/api/v1/live", { method: "HEAD" });
    if (answer.status === 401) {
      location.assign(`/signin?next=${encodeURIComponent(location.pathname)}`);
      return "signed out";
    }
    if (answer.status === 503) return "too many pages are open, or the gateway stops";
    return "reconnecting";
  } catch {
    return "the gateway does not answer";
  }
}
