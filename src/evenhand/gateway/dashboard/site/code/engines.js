// Engines: how full, how well, and whether they get requests.

import { ask, every, Refused, send } from "./ask.js";
import { Chart } from "./chart.js";
import { colourOf } from "./colours.js";
import { byId, element, nothing, say } from "./dom.js";
import { frame, mayOperate, notice, pulse } from "./frame.js";
import { follow } from "./live.js";
import { engineState } from "./now_tables.js";
import { count, counted, MISSING } from "./numbers.js";
import { Past } from "./past.js";

const DETAILS_AGAIN_MS = 3000;

const past = new Past();
const chart = new Chart(byId("flight"), { whole: true, isAiry: true });
const cards = new Map();

function update(sample) {
  const up = sample.engines.filter((engine) => engine.up && !engine.drained).length;
  say("lead", `${up} of ${counted(sample.engines.length, "engine")} ${up === 1 ? "takes" : "take"} requests.`);
  if (!sample.engines.length) byId("each").replaceChildren(nothing("No engine is configured.", "The section engines of the configuration names them."));
  for (const engine of sample.engines) {
    if (!cards.has(engine.name)) cards.set(engine.name, card(engine.name));
    fill(cards.get(engine.name), engine);
  }
  const { at, span } = past;
  return chart.draw([...past.inFlight].flatMap(([name, y]) => [
    { name: `${name}, window`, at, y: past.windows.get(name), colour: colourOf(`engine ${name}`), dotted: true },
    { name, at, y, colour: colourOf(`engine ${name}`) },
  ]), span);
}

function card(name) {
  const parts = Object.fromEntries(["in_flight", "window", "inside", "memory", "circuit", "preemptions", "models"].map((key) => [key, element("dd", {}, MISSING)]));
  parts.state = element("span", { class: "chip" });
  for (const key of ["reason", "because", "signals"]) parts[key] = element("p", { class: "note" });
  parts.button = mayOperate() ? element("button", { type: "button", class: "quiet" }) : null;
  parts.button?.addEventListener("click", () => toggle(name, parts));
  const dot = element("i", { class: "dot" });
  dot.style.background = colourOf(`engine ${name}`);
  byId("each").append(element("article", { class: "card", "aria-label": `Engine ${name}` },
    element("div", { class: "head" }, element("h3", {}, dot, name), element("span", { class: "tools" }, parts.state, parts.button)),
    parts.reason,
    element("dl", { class: "facts" },
      fact("In flight", parts.in_flight), fact("Window", parts.window), fact("Waiting inside", parts.inside),
      fact("KV memory", parts.memory), fact("Circuit", parts.circuit), fact("Preemptions", parts.preemptions), fact("Models", parts.models)),
    parts.because, parts.signals));
  return parts;
}

/** What changes seldom: its models, and why its window is as it is. */
async function details() {
  try {
    const { engines } = await ask("/state");
    for (const engine of engines) {
      const parts = cards.get(engine.name);
      if (!parts) continue;
      say(parts.models, engine.models.join(", ") || MISSING);
      say(parts.because, `The window is ${engine.window}: ${engine.window_because}.`);
      say(parts.signals, engine.signals ? `The gateway ${engine.signals} of it${engine.signals_missing.length ? `, no longer ${engine.signals_missing.join(", ")}` : ""}.` : "It tells nothing of itself.");
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(error.message);
  }
}

const fact = (title, value) => element("div", {}, element("dt", {}, title), value);

function fill(parts, engine) {
  const [word, state] = engineState(engine);
  say(parts.state, word);
  parts.state.dataset.state = state;
  say(parts.reason, engine.reason);
  say(parts.in_flight, count(engine.in_flight));
  say(parts.window, count(engine.window));
  say(parts.inside, count(engine.waiting_inside));
  say(parts.memory, typeof engine.kv_used_permille === "number" ? `${(engine.kv_used_permille / 10).toFixed(1)} %` : MISSING);
  say(parts.circuit, engine.circuit.replace("_", " "));
  say(parts.preemptions, count(engine.preemptions));
  if (!parts.button) return;
  parts.drained = engine.drained;
  say(parts.button, engine.drained ? "Resume" : "Drain");
  parts.button.title = engine.drained ? "Give it requests again." : "Give it no more requests; those at it end as they are.";
}

async function toggle(name, parts) {
  parts.button.disabled = true;
  try {
    await send("POST", `/api/v1/engines/${encodeURIComponent(name)}/${parts.drained ? "resume" : "drain"}`);
    notice(null);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(`${name} was not changed. ${error.message}`);
  } finally {
    parts.button.disabled = false;
  }
}

frame();
every(DETAILS_AGAIN_MS, details);
follow({
  past: (told) => past.begin(told),
  sample: (sample) => {
    past.add(sample);
    return update(sample);
  },
  state: pulse,
});
