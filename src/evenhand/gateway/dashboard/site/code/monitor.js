// What applications usually do, what has changed, and what looks like abuse.

import { ask } from "./ask.js";
import { clock, count, duration } from "./numbers.js";
import { Rows } from "./rows.js";

/** Tables in these places; the answer's function asks anew and fills them. */
export function monitor(places) {
  const suspicions = new Rows(places.suspicions, {
    caption: "What looks like abuse, the newest first",
    words: (row) => `${row.tenant} ${row.application ?? ""} ${row.kind}`,
    empty: "Nothing looks like abuse.",
    columns: [
      { key: "kind", title: "Suspicion", value: (row) => row.kind.replaceAll("_", " ") },
      { key: "path", title: "Tenant", value: (row) => row.tenant },
      { key: "application", title: "Application", value: (row) => row.application ?? "all" },
      { key: "evidence", title: "Evidence", value: (row) => row.evidence },
      { key: "count", title: "Seen in", number: true, value: (row) => `${count(row.count)} s` },
      { key: "since", title: "Since", number: true, value: (row) => clock(row.since_ms) },
      { key: "last", title: "Last", number: true, value: (row) => `${duration(Math.max(0, Date.now() - row.last_ms))} ago` },
    ],
  });
  const drifts = new Rows(places.drifts, {
    caption: "Applications that have changed, the newest first",
    words: (row) => `${row.tenant} ${row.application}`,
    empty: "No application does anything unusual.",
    columns: [
      { key: "path", title: "Tenant", value: (row) => row.tenant },
      { key: "application", title: "Application", value: (row) => row.application },
      { key: "measure", title: "What", value: (row) => row.measure },
      { key: "before", title: "Median before", number: true, value: (row) => count(row.before) },
      { key: "after", title: "Median of late", number: true, value: (row) => count(row.after) },
      { key: "at", title: "Seen at", number: true, value: (row) => clock(row.at_ms) },
    ],
  });
  const range = (middle, high) => `${count(middle)} / ${count(high)}`;
  const profiles = new Rows(places.profiles, {
    caption: "Profiles of applications, those with most requests first",
    words: (row) => `${row.tenant} ${row.application}`,
    empty: "No request has ended yet.",
    columns: [
      { key: "path", title: "Tenant", sort: (row) => row.tenant, value: (row) => row.tenant },
      { key: "application", title: "Application", sort: (row) => row.application, value: (row) => row.application },
      { key: "requests", title: "Requests", number: true, sort: (row) => row.requests, value: (row) => count(row.requests) },
      { key: "rate", title: "A minute", number: true, sort: (row) => row.per_minute ?? 0, value: (row) => count(row.per_minute) },
      { key: "input", title: "Input", hint: "Tokens of a request: median / 95th percentile.", number: true, sort: (row) => row.input_p50, value: (row) => range(row.input_p50, row.input_p95) },
      { key: "output", title: "Output", hint: "Tokens of a request: median / 95th percentile.", number: true, sort: (row) => row.output_p50, value: (row) => range(row.output_p50, row.output_p95) },
      { key: "cached", title: "From a cache", number: true, hint: "Of the input, median.", sort: (row) => row.cached_percent_p50, value: (row) => `${row.cached_percent_p50} %` },
      { key: "calls", title: "Calls", number: true, hint: "Of an interaction: mean / 95th percentile.", sort: (row) => row.calls_mean, value: (row) => range(row.calls_mean, row.calls_p95) },
    ],
  });
  return async () => {
    const told = await ask("/api/v1/monitor");
    suspicions.show(told.suspicions);
    drifts.show(told.drifts);
    profiles.show(told.profiles, told.unseen ? `${count(told.unseen)} requests were not looked at: too many ended in one second.` : "");
  };
}
