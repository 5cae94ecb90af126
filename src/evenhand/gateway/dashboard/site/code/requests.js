// What waits, and why.

import { ask, every, Refused } from "./ask.js";
import { byId, element, say } from "./dom.js";
import { explanation } from "./explanation.js";
import { frame, notice, pulse } from "./frame.js";
import { count, counted, duration } from "./numbers.js";
import { Rows } from "./rows.js";

const AGAIN_MS = 1000;
const ROWS = 100;

const table = new Rows(byId("waiting"), {
  caption: "Requests that wait, those first that came first",
  words: (row) => `${row.request_id} ${row.tenant} ${row.lane} ${row.model}`,
  empty: "Nothing waits: every request found a free slot.",
  columns: [
    { key: "id", title: "Request", draw: drawId },
    { key: "path", title: "Tenant", sort: (row) => row.tenant, value: (row) => row.tenant },
    { key: "lane", title: "Lane", sort: (row) => row.lane, value: (row) => row.lane },
    { key: "model", title: "Model", sort: (row) => row.model, value: (row) => row.model },
    { key: "waited", title: "Waits for", number: true, sort: (row) => row.waited_ms, value: (row) => duration(row.waited_ms) },
    { key: "before", title: "Own before it", number: true, hint: "Requests of its own tenant that stand before it.", sort: (row) => row.queued_before, value: (row) => count(row.queued_before) },
    { key: "why", title: "Why", value: (row) => reason(row) },
    { key: "instead", title: "Served instead", draw: (cell, row) => { say(cell, instead(row)); cell.title = instead(row); } },
  ],
});

const GATES = {
  own: "earlier ones of its own tenant go first",
  share: "others' turn, by their shares",
  lane: "other lanes go first",
  window: "no slot has become free",
  budget: "its budget is being recorded",
};

function reason(row) {
  return GATES[row.gate] ?? "";
}

function instead(row) {
  const named = row.instead.map((line) => `${count(line.requests)} of ${line.tenant}`).join(", ");
  return row.others ? `${named}, ${count(row.others)} of others` : named;
}

function drawId(cell, row) {
  if (!cell.firstChild) cell.append(element("a", {}));
  const link = cell.firstChild;
  link.href = `/requests?id=${encodeURIComponent(row.request_id)}`;
  say(link, row.request_id);
  link.title = row.request_id;
}

const only = () => byId("tenant").value.trim();

const look = async () => {
  const query = new URLSearchParams({ limit: ROWS });
  if (only()) query.set("tenant", only());
  try {
    const told = await ask(`/api/v1/requests?${query}`);
    pulse("live", "live");
    notice(null);
    say("lead", told.waiting
      ? `${counted(told.waiting, "request")} ${told.waiting === 1 ? "waits" : "wait"}${only() ? ` of ${only()}` : ""}; those that came first stand first.`
      : `Nothing waits${only() ? ` of ${only()}` : ""}.`);
    table.show(told.requests, told.left_out ? `${counted(told.left_out, "more")} that came later ${told.left_out === 1 ? "is" : "are"} left out. Name a tenant to see its own.` : "");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    pulse("lost", "no answer");
    notice(error.message);
  }
};

frame();
const now = every(AGAIN_MS, look);
byId("tenant").addEventListener("input", now);
byId("by-id").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = byId("request-id").value.trim();
  if (id) location.assign(`/requests?id=${encodeURIComponent(id)}`);
});
const id = new URLSearchParams(location.search).get("id");
if (id) {
  byId("one").hidden = false;
  explanation(byId("explanation"), `/explain/${encodeURIComponent(id)}`, id);
}
