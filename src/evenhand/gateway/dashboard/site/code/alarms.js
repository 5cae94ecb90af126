// What is wrong, since when, and what to do.

import { ask, every, Refused } from "./ask.js";
import { byId, element, nothing, say } from "./dom.js";
import { frame, notice, pulse } from "./frame.js";
import { monitor } from "./monitor.js";
import { amount, clock, count, counted, duration, percent } from "./numbers.js";
import { Rows } from "./rows.js";

const AGAIN_MS = 2000;

const ended = new Rows(byId("ended"), {
  caption: "Alarms that have ended, the newest first",
  words: (row) => `${row.kind} ${about(row)}`,
  empty: "No alarm has ended since the gateway started.",
  columns: [
    { key: "kind", title: "Alarm", value: (row) => title(row) },
    { key: "about", title: "Of", value: (row) => about(row) },
    { key: "from", title: "From", number: true, value: (row) => clock(row.since_ms) },
    { key: "to", title: "To", number: true, value: (row) => clock(row.ended_ms) },
    { key: "for", title: "Stood for", number: true, value: (row) => duration(row.ended_ms - row.since_ms) },
    { key: "what", title: "What", value: (row) => row.what },
  ],
});

const showMonitor = monitor({ suspicions: byId("suspicions"), drifts: byId("drifts"), profiles: byId("profiles") });

const about = (row) => [row.tenant, row.application, row.engine].filter(Boolean).join(", ") || "the gateway";
const title = (row) => row.kind.replaceAll("_", " ").replace("ttft", "first token").replace("kv", "KV");

const FORMS = {
  ms: duration,
  ppm: (value) => percent(value / 1e6),
  per_minute: (value) => `${count(value)} a minute`,
};
const measured = (row) => {
  const form = FORMS[row.unit] ?? amount;
  return `${form(row.value)}; the limit is ${form(row.threshold)}`;
};

// What stands between backticks is to be typed.
const spoken = (text) => text.split("`").map((part, place) => (place % 2 ? element("code", {}, part) : part));

function card(row) {
  return element("article", { class: "card alarm" },
    element("div", { class: "head" },
      element("h3", {}, title(row)),
      element("span", { class: "note" }, `since ${clock(row.since_ms)}, ${duration(Date.now() - row.since_ms)}`)),
    element("p", {}, `${row.what}.`),
    element("p", { class: "do" }, spoken(row.do)),
    element("p", { class: "note" }, `Measured ${measured(row)}.`));
}

const look = async () => {
  try {
    const [told] = await Promise.all([ask("/api/v1/alarms"), showMonitor()]);
    pulse("live", "live");
    notice(null);
    const number = told.standing.length;
    say("lead", number ? `${counted(number, "alarm")} ${number === 1 ? "stands" : "stand"}.` : "Nothing is wrong.");
    const shown = JSON.stringify(told.standing.map(({ kind, tenant, engine, application, value }) => [kind, tenant, engine, application, value]));
    if (shown !== look.shown) {
      look.shown = shown;
      byId("standing").replaceChildren(...(number
        ? [element("div", { class: "cards" }, told.standing.map(card))]
        : [nothing("No alarm stands.", "The gateway looks once a second; the section alarms of the configuration sets the limits.")]));
    }
    ended.show(told.ended);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    pulse("lost", "no answer");
    notice(error.message);
  }
};

frame();
every(AGAIN_MS, look);
