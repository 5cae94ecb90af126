// The table of what was used, grouped as asked.

import { element, say } from "./dom.js";
import { count, MISSING, money } from "./numbers.js";
import { Rows } from "./rows.js";

export const GROUPS = [
  ["tenant", "Tenant"], ["model", "Model"], ["tenant,model", "Tenant and model"], ["day", "Day"],
  ["application", "Application"], ["key", "Key"], ["engine", "Engine"],
];

/** One column for each name that is grouped by, one for each currency. */
export function lineRows(place, by, currencies) {
  return new Rows(place, {
    caption: "Use, one line a group",
    words: (row) => by.map((name) => row[name] ?? "").join(" "),
    empty: "Nothing was used in that period.",
    sort: by[0] === "day" ? by[0] : undefined,
    columns: [
      ...by.map((name) => ({ key: name, title: title(name), sort: (row) => row[name] ?? "", draw: (cell, row) => drawGroup(cell, row, name, by) })),
      { key: "requests", title: "Requests", number: true, sort: (row) => row.requests, value: (row) => count(row.requests) },
      { key: "input", title: "Input", number: true, hint: "Tokens that were read anew.", sort: (row) => row.input_tokens, value: (row) => count(row.input_tokens) },
      { key: "cached", title: "From a cache", number: true, hint: "Input tokens.", sort: (row) => row.cached_input_tokens, value: (row) => count(row.cached_input_tokens) },
      { key: "output", title: "Output", number: true, hint: "Tokens, reasoning included.", sort: (row) => row.output_tokens, value: (row) => count(row.output_tokens) },
      { key: "reasoning", title: "Reasoning", number: true, hint: "Output tokens.", sort: (row) => row.reasoning_tokens, value: (row) => count(row.reasoning_tokens) },
      { key: "estimated", title: "Estimated", number: true, hint: "Part of the tokens that no engine has confirmed.", sort: (row) => row.estimated ?? 0, value: (row) => (row.estimated ? `${(row.estimated * 100).toFixed(1)} %` : MISSING) },
      ...currencies.map((currency) => ({ key: "money", title: currency, number: true, sort: (row) => Number(row.money[currency] ?? 0), value: (row) => money(row.money[currency], row.places) })),
    ],
  });
}

function drawGroup(cell, row, name, by) {
  if (!cell.firstChild) cell.append(element("i", { class: "dot" }), element("span"));
  const [dot, text] = cell.children;
  dot.hidden = by[0] !== "tenant" || name !== "tenant" || by.length > 1;
  dot.style.background = row.colour ?? "transparent";
  say(text, row[name] ?? "none");
}

const title = (name) => name[0].toUpperCase() + name.slice(1);
