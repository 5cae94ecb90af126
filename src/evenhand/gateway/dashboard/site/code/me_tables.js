// The tables of a tenant's page.

import { element, say } from "./dom.js";
import { clock, count, duration, MISSING } from "./numbers.js";
import { Rows } from "./rows.js";

const linked = (query) => (cell, row) => {
  if (!cell.firstChild) cell.append(element("a", {}));
  const link = cell.firstChild;
  link.href = `/me?${new URLSearchParams([...query, ["id", row.request_id]])}`;
  say(link, row.request_id);
  link.title = row.request_id;
};

export function openRows(place, query) {
  return new Rows(place, {
    caption: "Requests that are open, the oldest first",
    words: (row) => row.request_id,
    empty: "No request is open.",
    columns: [
      { key: "id", title: "Request", draw: linked(query) },
      { key: "path", title: "Tenant", value: (row) => row.tenant },
      { key: "application", title: "Application", value: (row) => row.application },
      { key: "lane", title: "Lane", value: (row) => row.lane },
      { key: "model", title: "Model", value: (row) => row.model ?? MISSING },
      { key: "phase", title: "State", value: (row) => row.phase },
      { key: "age", title: "Open for", number: true, sort: (row) => row.age_ms, value: (row) => duration(row.age_ms) },
    ],
  });
}

export function endedRows(place, query) {
  return new Rows(place, {
    caption: "Requests that have ended of late, the last first",
    words: (row) => row.request_id,
    empty: "No request has ended since the gateway started.",
    columns: [
      { key: "id", title: "Request", draw: linked(query) },
      { key: "path", title: "Tenant", value: (row) => row.tenant },
      { key: "model", title: "Model", value: (row) => row.model ?? MISSING },
      { key: "outcome", title: "Outcome", draw: drawOutcome },
      { key: "wait", title: "Waited", number: true, sort: (row) => row.queue_wait_ms ?? 0, value: (row) => duration(row.queue_wait_ms) },
      { key: "first", title: "First token", number: true, sort: (row) => row.ttft_ms ?? 0, value: (row) => duration(row.ttft_ms) },
      { key: "took", title: "Took", number: true, sort: (row) => row.duration_ms, value: (row) => duration(row.duration_ms) },
      { key: "input", title: "Input", number: true, hint: "Tokens, of them from a cache in brackets.", value: (row) => (row.cached_input_tokens ? `${count(row.input_tokens)} (${count(row.cached_input_tokens)})` : count(row.input_tokens)) },
      { key: "output", title: "Output", number: true, hint: "Tokens.", value: (row) => count(row.output_tokens) },
    ],
  });
}

function drawOutcome(cell, row) {
  say(cell, row.outcome.replaceAll("_", " "));
  cell.dataset.state = row.status < 400 ? "good" : "bad";
  cell.title = row.message ?? "";
}

export function keyRows(place) {
  const limit = (value) => (value === null ? "none" : count(value));
  return new Rows(place, {
    caption: "Keys and what they may do",
    words: (row) => row.key,
    empty: "No key belongs to this tenant. The operator makes one with evenhand keys create.",
    columns: [
      { key: "key", title: "Key", value: (row) => (row.is_mine ? `${row.key} (this one)` : row.key) },
      { key: "application", title: "Application", value: (row) => row.application },
      { key: "lane", title: "Lane", value: (row) => row.lane },
      { key: "models", title: "Models", value: (row) => row.models?.join(", ") ?? "all" },
      { key: "open", title: "Open", number: true, value: (row) => count(row.open_requests) },
      { key: "open-max", title: "Open at most", number: true, value: (row) => limit(row.open_requests_max) },
      { key: "wait-max", title: "Waits at most", number: true, value: (row) => duration(row.queue_wait_s_max * 1000) },
      { key: "output-max", title: "Output at most", number: true, hint: "Tokens of an answer.", value: (row) => limit(row.output_tokens_max) },
      { key: "ends", title: "Ends", value: (row) => (row.ends ? clock(Date.parse(row.ends)) : "not by itself") },
    ],
  });
}
