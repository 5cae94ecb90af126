// The tables of the page of this moment.

import { element, say } from "./dom.js";
import { amount, count, duration, MISSING, percent } from "./numbers.js";
import { Rows } from "./rows.js";

/** Tenants: what was promised beside what was received. */
export function tenantRows(place) {
  return new Rows(place, {
    caption: "Tenants, with their promised and received shares",
    sort: "received",
    words: (row) => row.path,
    empty: "No tenant has been served yet. They appear with their first request.",
    columns: [
      { key: "path", title: "Tenant", sort: (row) => row.path, draw: drawTenant },
      { key: "bar", title: "Last minute", hint: "The bar is what was received, the tick what was due; the longest bar sets the scale.", draw: drawBar },
      { key: "received", title: "Received", number: true, hint: "Part of all service of the last minute.", sort: (row) => row.received ?? -1, value: (row) => percent(row.received) },
      { key: "due", title: "Due", number: true, hint: "What its weight gives it of what was served, as far as it asked for it.", sort: (row) => row.due ?? -1, value: (row) => percent(row.due) },
      { key: "promised", title: "Promised", number: true, hint: "Its part while everybody is active.", sort: (row) => row.promised_ppm, value: (row) => percent(row.promised_ppm / 1e6) },
      { key: "queued", title: "Waiting", number: true, sort: (row) => row.queued, value: (row) => count(row.queued) },
      { key: "oldest", title: "Oldest wait", number: true, sort: (row) => row.oldest_wait_ms, value: (row) => (row.queued ? duration(row.oldest_wait_ms) : MISSING) },
      { key: "running", title: "Running", number: true, sort: (row) => row.running, value: (row) => count(row.running) },
      { key: "first", title: "First token, p99", number: true, hint: "Of the last half minute to a minute.", sort: (row) => row.ttft_p99_ms ?? -1, value: (row) => duration(row.ttft_p99_ms) },
      { key: "service", title: "Service in all", number: true, hint: "In units: what it was charged since the gateway started.", sort: (row) => row.units_total, draw: drawUnits },
    ],
  });
}

/** Lanes, in their order of precedence. */
export function laneRows(place) {
  return new Rows(place, {
    caption: "Lanes, in order of precedence",
    words: (row) => row.name,
    empty: "All requests stand in one lane. The section `lanes` of the configuration makes more.",
    columns: [
      { key: "name", title: "Lane", draw: drawName },
      { key: "waiting", title: "Waiting", number: true, value: (row) => count(row.queued) },
      { key: "oldest", title: "Oldest wait", number: true, value: (row) => (row.queued ? duration(row.oldest_wait_ms) : MISSING) },
      { key: "running", title: "At engines", number: true, value: (row) => count(row.running) },
      { key: "floor", title: "Floor", number: true, hint: "Slots that are kept for it.", value: (row) => count(row.floor_slots) },
      { key: "ceiling", title: "Ceiling", number: true, hint: "Slots that it may take.", value: (row) => count(row.ceiling_slots) },
    ],
  });
}

/** Engines: how full they are. */
export function engineRows(place) {
  return new Rows(place, {
    caption: "Engines, with their windows",
    words: (row) => row.name,
    empty: "No engine is configured. The section `engines` of the configuration names them.",
    columns: [
      { key: "name", title: "Engine", draw: drawName },
      { key: "bar", title: "In flight of window", draw: drawWindow },
      { key: "in-flight", title: "In flight", number: true, value: (row) => count(row.in_flight) },
      { key: "window", title: "Window", number: true, value: (row) => count(row.window) },
      { key: "state", title: "State", draw: (cell, row) => {
        const [word, state] = engineState(row);
        say(cell, word);
        cell.dataset.state = state;
        cell.title = row.reason;
      } },
    ],
  });
}

function drawTenant(cell, row) {
  if (!cell.firstChild) cell.append(element("i", { class: "dot" }), element("a", { class: "plain" }));
  drawName(cell, row);
  cell.lastChild.href = `/me?tenant=${encodeURIComponent(row.path)}`;
}

function drawName(cell, row) {
  if (!cell.firstChild) cell.append(element("i", { class: "dot" }), element("span", { class: "name" }));
  const [dot, name] = cell.children;
  dot.style.background = row.colour ?? "transparent";
  say(name, row.path ?? row.name);
  name.title = row.path ?? row.name;
}

function drawUnits(cell, row) {
  say(cell, amount(row.units_total));
  cell.dataset.exact = row.units_total;
  cell.title = count(row.units_total);
}

function drawBar(cell, row) {
  bar(cell, (row.received ?? 0) / row.widest, row.due === null ? null : row.due / row.widest, row.colour);
}

function drawWindow(cell, row) {
  bar(cell, row.window ? row.in_flight / row.window : 0, null, row.colour);
}

/** An engine's state in a word, and how good that is. */
export function engineState(row) {
  if (!row.up) return ["down", "bad"];
  if (row.drained) return ["drained", "warn"];
  if (row.circuit !== "closed") return [row.circuit === "open" ? "left alone" : "on trial", "bad"];
  return ["up", "good"];
}

/** A bar, and a tick where it should reach. */
function bar(cell, part, tick, colour) {
  if (!cell.firstChild) cell.append(element("div", { class: "bullet", "aria-hidden": "true" }, element("i"), element("b")));
  const [fill, mark] = cell.firstChild.children;
  fill.style.width = `${Math.min(100, part * 100)}%`;
  fill.style.background = colour ?? "";
  mark.hidden = tick === null;
  if (tick !== null) mark.style.left = `${Math.min(100, tick * 100)}%`;
}
