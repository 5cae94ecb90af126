// Whose the GPUs' time was.

import { ask, Refused } from "./ask.js";
import { nothing } from "./dom.js";
import { decimals, duration, MISSING, money, percent } from "./numbers.js";
import { Rows } from "./rows.js";

let table = null;

/** Draw it into `place`, for the tenant and the period of `query`. */
export async function showGpuTime(place, query) {
  try {
    const told = await ask(`/api/v1/gpu-time?${new URLSearchParams([...query, ["by", "tenant,model"]])}`);
    const total = all(told.total);
    table ??= rows(place);
    const places = Math.max(2, ...told.lines.flatMap((line) => Object.values(costOf(line)).map(decimals)));
    table.show(total ? told.lines.map((line) => ({ ...line, total, places })) : []);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    table = null;
    place.replaceChildren(nothing("No GPU time is kept.", error.message));
  }
}

const all = (row) => row.exact_us + row.estimated_us + row.idle_us + row.down_us + row.away_us;
const costOf = (row) => (row.group.tenant ? row.cost : row.cost_of_nobody);
const costs = (row) => Object.entries(costOf(row)).map(([currency, value]) => `${money(value, row.places)} ${currency}`).join(", ") || MISSING;
const whose = (row) => row.group.tenant || "nobody";

function rows(place) {
  const time = (key, title, hint) => ({ key, title, hint, number: true, sort: (row) => row[key], value: (row) => (row[key] ? duration(row[key] / 1000) : MISSING) });
  return new Rows(place, {
    caption: "GPU time by tenant and model",
    words: (row) => `${whose(row)} ${row.group.model}`,
    empty: "No engine has told its GPUs. The key gpus of an engine says how many it has.",
    columns: [
      { key: "path", title: "Whose", sort: whose, value: whose },
      { key: "model", title: "Model", sort: (row) => row.group.model ?? "", value: (row) => row.group.model || MISSING },
      { key: "part", title: "Part", number: true, sort: all, value: (row) => percent(all(row) / row.total) },
      time("exact_us", "Exact", "As the engine itself tells it, step by step."),
      time("estimated_us", "Estimated", "Divided by tokens over the window."),
      time("idle_us", "Idle", "The engine had nothing to do."),
      time("down_us", "Down", "The engine did not answer."),
      time("away_us", "Away", "The gateway was not there to see."),
      { key: "cost", title: "Cost", number: true, value: costs },
    ],
  });
}
