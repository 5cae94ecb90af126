// What was used and what it costs: by tenant, by model, by day; budgets; statements; GPU time.

import { ask, Refused } from "./ask.js";
import { Bars } from "./bars.js";
import { showBudgets } from "./budgets.js";
import { colourOf, GREY } from "./colours.js";
import { byId, element, nothing, say } from "./dom.js";
import { frame, notice } from "./frame.js";
import { showGpuTime } from "./gpu_time.js";
import { count, decimals, money } from "./numbers.js";
import { GROUPS, lineRows } from "./money_tables.js";
import { PERIODS, periodOf } from "./periods.js";
import { beginStatements } from "./statements.js";

const DRAWN_MAX = 8;
const AGAIN_MS = 30_000;
const DAY_MS = 86_400_000;

const bars = new Bars(byId("days"));
const drawn = new Set();
let table = null;
let hasLedger = true;

async function look() {
  if (!hasLedger) return;
  try {
    await Promise.all([showUse(), showBudgets(byId("budgets")), showGpuTime(byId("gpu"), asked())]);
    notice(null);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status !== 404) return notice(error.message);
    hasLedger = false; // nor will there be one before another start
    say("lead", "There is no ledger.");
    byId("ledger").replaceChildren(nothing("Nothing is booked here.", error.message));
  }
}

function asked(by = null, format = null) {
  const query = new URLSearchParams(periodOf(byId("period").value));
  if (by) query.set("by", by);
  if (byId("tenant").value.trim()) query.set("tenant", byId("tenant").value.trim());
  if (format) query.set("format", format);
  return query;
}

async function showUse() {
  const by = byId("by").value;
  const [told, days] = await Promise.all([ask(`/api/v1/usage?${asked(by)}`), ask(`/api/v1/usage?${asked("day,tenant")}`)]);
  say("lead", told.from || told.to ? `From ${told.from ?? "the beginning"} until ${told.to ?? "now"}.` : "Since the beginning.");
  figures(told.total);
  if (table?.by !== by) table = lineRows(byId("lines"), by.split(","), Object.keys(told.total.money));
  table.by = by;
  draw(days);
  const places = Math.max(2, ...told.lines.flatMap((line) => Object.values(line.money).map((value) => decimals(value))));
  table.show(told.lines.map((line) => ({ ...line, places, colour: by === "tenant" && drawn.has(line.tenant) ? colourOf(line.tenant) : null })), told.lines_left_out ? `${count(told.lines_left_out)} more lines are in the files.` : "");
  byId("csv").href = `/api/v1/usage?${asked(by, "csv")}`;
  byId("parquet").href = `/api/v1/usage?${asked(by, "parquet")}`;
  byId("json").href = `/api/v1/usage?${asked(by)}`;
}

function figures(total) {
  const amounts = Object.entries(total.money).map(([currency, value]) => [`Money, ${currency}`, money(value), ""]);
  const cached = total.cached_input_tokens ? `${count(total.cached_input_tokens)} of it from a cache` : "";
  const reasoning = total.reasoning_tokens ? `${count(total.reasoning_tokens)} of it reasoning` : "";
  byId("figures").replaceChildren(...[
    ["Requests", count(total.requests), total.open_requests ? `${count(total.open_requests)} are open` : ""],
    ["Input tokens", count(total.input_tokens + total.cached_input_tokens), cached],
    ["Output tokens", count(total.output_tokens), reasoning],
    ...amounts,
  ].map(([title, value, note]) => element("div", {}, element("dt", {}, title), element("dd", {}, value), element("p", {}, note))));
}

function draw(told) {
  const [currency] = Object.keys(told.total.money);
  const amountOf = (line) => (currency ? Number(line.money[currency] ?? 0) : line.input_tokens + line.cached_input_tokens + line.output_tokens);
  const days = [...new Set(told.lines.map((line) => line.day).filter(Boolean))].sort();
  byId("days").hidden = !days.length;
  const sums = new Map();
  for (const line of told.lines) sums.set(line.tenant, (sums.get(line.tenant) ?? 0) + amountOf(line));
  const named = [...sums].sort((a, b) => b[1] - a[1]).slice(0, DRAWN_MAX).map(([tenant]) => tenant);
  const bar = (name, colour, belongs) => ({
    name, colour, days, amounts: days.map((day) => told.lines.filter((line) => line.day === day && belongs(line.tenant)).reduce((all, line) => all + amountOf(line), 0)),
  });
  drawn.clear();
  for (const tenant of named) drawn.add(tenant);
  const parts = named.map((tenant) => bar(tenant ?? "nobody", colourOf(tenant ?? "nobody"), (other) => other === tenant));
  if (sums.size > named.length) parts.push(bar("others", GREY, (other) => !named.includes(other)));
  bars.draw(parts, currency ?? "tokens", spanOf(told, days));
}

// Whole days, a week of them at least, so that a bar is as wide as a day.
function spanOf(told, days) {
  const end = Math.max(Date.parse(told.to ?? 0) || 0, Date.parse(days.at(-1)) + DAY_MS);
  const begin = Math.min(Date.parse(told.from ?? days[0]), end - 7 * DAY_MS);
  return [begin, end];
}

frame();
byId("period").append(...PERIODS.map(([value, title]) => element("option", { value }, title)));
byId("period").value = "month";
byId("by").append(...GROUPS.map(([value, title]) => element("option", { value }, title)));
byId("asked").addEventListener("change", look);
byId("asked").addEventListener("submit", (event) => event.preventDefault());
beginStatements();
look();
setInterval(() => document.hidden || look(), AGAIN_MS);
