// The page of this moment.

import { Chart } from "./chart.js";
import { colourOf, GREY } from "./colours.js";
import { byId, say } from "./dom.js";
import { frame, pulse } from "./frame.js";
import { follow } from "./live.js";
import { engineRows, laneRows, tenantRows } from "./now_tables.js";
import { count, counted, duration, index, percent } from "./numbers.js";
import { Past } from "./past.js";

const DRAWN_MAX = 8;
const LATELY_S = 60;

const past = new Past();
const charts = {
  shares: new Chart(byId("shares"), { format: ".0%" }),
  fairness: new Chart(byId("fairness"), { range: [0, 1.03], format: ".2f" }),
  queue: new Chart(byId("queue"), { whole: true }),
  flight: new Chart(byId("flight"), { whole: true, isAiry: true }),
};
const tables = { tenants: tenantRows(byId("tenants")), lanes: laneRows(byId("lanes")), engines: engineRows(byId("engines")) };
let drawn = [];
let turn = 0;

function update(sample) {
  figures(sample);
  const rows = sample.tenants.map((tenant) => ({ ...tenant, ...past.lately(tenant.path, LATELY_S) }));
  choose(rows);
  const widest = Math.max(0.01, ...rows.map((row) => Math.max(row.received ?? 0, row.due ?? 0)));
  for (const row of rows) {
    row.colour = drawn.includes(row.path) ? colourOf(row.path) : null;
    row.widest = widest;
  }
  tables.tenants.show(rows, leftOut(sample, rows));
  tables.lanes.show(sample.lanes.map((lane) => ({ ...lane, colour: colourOf(`lane ${lane.name}`) })));
  tables.engines.show(sample.engines.map((engine) => ({ ...engine, colour: colourOf(`engine ${engine.name}`) })));
  return paint(rows);
}

function figures(sample) {
  say("jain-5min", index(sample.jain_5min_ppm));
  say("jain-1s", index(sample.jain_1s_ppm));
  say("jain-note", sample.jain_5min_ppm === null ? "told once two tenants have waited" : "1 is perfectly fair");
  say("jain-1s-note", sample.jain_1s_ppm === null ? "told while two tenants wait" : `of ${counted(sample.backlogged_tenants, "tenant")} that wait`);
  say("waiting", count(sample.queue.requests));
  say("in-flight", count(sum(sample.engines, "in_flight")));
  say("in-flight-note", `of ${counted(sum(sample.engines, "window"), "slot")}`);
  say("waiting-note", sample.queue.requests ? `the oldest for ${duration(sample.queue.oldest_wait_ms)}` : "nobody waits");
  const up = sample.engines.filter((engine) => engine.up).length;
  const engines = sample.engines.length === up ? counted(up, "engine") : `${up} of ${counted(sample.engines.length, "engine")}`;
  say("lead", `${counted(sample.active_tenants, "tenant")} with work on ${engines}, ${count(sample.backlogged_tenants)} of them waiting.`);
}

/** Which tenants the chart draws: who received most of late; kept while they stay near the top. */
function choose(rows) {
  const top = [...rows]
    .sort((a, b) => (b.received ?? 0) - (a.received ?? 0) || b.promised_ppm - a.promised_ppm)
    .map((row) => row.path);
  const near = new Set(top.slice(0, DRAWN_MAX + 4));
  drawn = drawn.filter((path) => near.has(path));
  for (const path of top) {
    if (drawn.length >= DRAWN_MAX) break;
    if (!drawn.includes(path)) drawn.push(path);
  }
}

function leftOut({ rest }, rows) {
  const notes = [];
  if (rows.length > drawn.length) notes.push(`The chart draws the ${drawn.length} that received most.`);
  if (rest) {
    notes.push(`${counted(rest.tenants, "more tenant")} without a line of their own: ${percent(rest.received_ppm / 1e6)} of the last second's service, ${count(rest.queued)} waiting. limits.metrics_tenants_max gives lines to more.`);
  }
  return notes.join(" ");
}

/** The shares each second; of the other charts one a second in turn, so that no update takes long. */
function paint(rows) {
  const others = [paintFairness, paintQueue, paintFlight];
  turn += 1;
  const now = turn <= 1 ? others : [others[turn % others.length]];
  return Promise.all([paintShares(rows), ...now.map((draw) => draw(past))]);
}

function paintShares(rows) {
  const { at, span } = past;
  const promised = new Map(rows.map((tenant) => [tenant.path, tenant.promised_ppm / 1e6]));
  return charts.shares.draw(drawn.flatMap((path) => [
    { name: `${path}, promised`, at: span, y: [promised.get(path), promised.get(path)], colour: colourOf(path), dotted: true },
    { name: path, at, y: past.received(path), colour: colourOf(path) },
  ]), span);
}

function paintFairness({ at, span, jain1s, jain5min }) {
  return charts.fairness.draw([
    { name: "over one second", at, y: jain1s, colour: GREY, faint: true },
    { name: "over 5 minutes", at, y: jain5min, colour: "#4b7bec" },
  ], span);
}

function paintQueue({ at, span, lanes, waiting }) {
  const curves = [...lanes].map(([name, y]) => ({ name, at, y, colour: colourOf(`lane ${name}`), filled: true }));
  return charts.queue.draw(curves.length ? curves : [{ name: "waiting", at, y: waiting, colour: "#f0883e", filled: true }], span);
}

function paintFlight({ at, span, inFlight, windows }) {
  return charts.flight.draw([...inFlight].flatMap(([name, y]) => [
    { name: `${name}, window`, at, y: windows.get(name), colour: colourOf(`engine ${name}`), dotted: true },
    { name, at, y, colour: colourOf(`engine ${name}`) },
  ]), span);
}

const sum = (rows, key) => rows.reduce((all, row) => all + row[key], 0);

frame();
byId("find").addEventListener("input", (event) => tables.tenants.find(event.target.value));
follow({
  past: (told) => past.begin(told),
  sample: (sample) => {
    past.add(sample);
    return update(sample);
  },
  state: pulse,
});
