// One tenant's page: its share, its waits, its use, its limits. A tenant's key opens its own; whoever sees
// everything names the tenant.

import { ask, every, Refused } from "./ask.js";
import { showBudgets } from "./budgets.js";
import { Chart } from "./chart.js";
import { colourOf } from "./colours.js";
import { byId, nothing, say } from "./dom.js";
import { explanation } from "./explanation.js";
import { frame, notice, pulse } from "./frame.js";
import { follow } from "./live.js";
import { endedRows, keyRows, openRows } from "./me_tables.js";
import { lineRows } from "./money_tables.js";
import { count, counted, decimals, duration, percent } from "./numbers.js";
import { OwnPast } from "./own_past.js";
import { periodOf } from "./periods.js";

const AGAIN_MS = 2000;
const USE_AGAIN_MS = 15_000;
const LATELY_S = 60;

const parameters = new URLSearchParams(location.search);
const tenant = document.documentElement.dataset.tenant ?? parameters.get("tenant");
const query = new URLSearchParams(tenant ? { tenant } : {});
const past = new OwnPast((path) => path === tenant || path.startsWith(`${tenant}/`));
const chart = new Chart(byId("share"), { format: ".0%" });
const tables = { open: openRows(byId("open"), query), ended: endedRows(byId("ended"), query), keys: keyRows(byId("keys")) };

let ownKeys = [];

function update(sample) {
  const rows = sample.tenants.filter((row) => past.isOwn(row.path));
  const { received, due } = past.lately(LATELY_S);
  say("received", percent(received));
  say("received-note", due === null ? "" : `${percent(due)} was due`);
  say("queued", count(sum(rows, "queued")));
  say("queued-note", sum(rows, "queued") ? `the oldest for ${duration(most(rows, "oldest_wait_ms"))}` : "nothing waits");
  say("running", count(sum(rows, "running")));
  say("ttft", duration(most(rows, "ttft_p99_ms")));
  say("ttft-note", most(rows, "wait_p99_ms") === null ? "no streamed answer of late" : `of it waiting ${duration(most(rows, "wait_p99_ms"))}`);
  const { at, span } = past;
  const curve = past.curve();
  return chart.draw([
    { name: "due", at, y: curve.due, colour: colourOf(tenant), dotted: true },
    { name: "received", at, y: curve.received, colour: colourOf(tenant) },
  ], span);
}

async function showUse() {
  try {
    const told = await ask(`/api/v1/usage?${new URLSearchParams({ ...periodOf("month"), tenant, by: "model" })}`);
    tables.use ??= lineRows(byId("use"), ["model"], Object.keys(told.total.money));
    const places = Math.max(2, ...told.lines.flatMap((line) => Object.values(line.money).map(decimals)));
    tables.use.show(told.lines.map((line) => ({ ...line, places })));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("use").replaceChildren(nothing("Nothing is booked here.", error.message));
  }
}

const sum = (rows, key) => rows.reduce((all, row) => all + row[key], 0);
const most = (rows, key) => {
  const told = rows.map((row) => row[key]).filter((value) => typeof value === "number");
  return told.length ? Math.max(...told) : null;
};

const look = async () => {
  try {
    const [me, requests, keys] = await Promise.all(["me", "me/requests", "me/keys"].map((page) => ask(`/api/v1/${page}?${query}`)));
    notice(null);
    say("promised", percent(me.share.promised_ppm / 1e6));
    say("lead", `Weight ${count(me.share.weight)}; ${percent(me.share.received_ppm / 1e6)} of all service since the gateway started.`);
    tables.open.show(requests.open, requests.open_left_out ? `${counted(requests.open_left_out, "younger request")} left out.` : "");
    tables.ended.show(requests.ended);
    ownKeys = keys.keys.map((key) => key.key);
    tables.keys.show(keys.keys, keys.left_out ? `${counted(keys.left_out, "key")} left out.` : "");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(error.message);
  }
};

function begin() {
  say("title", tenant);
  document.title = `${tenant} · Evenhand`;
  every(AGAIN_MS, look);
  every(USE_AGAIN_MS, () => Promise.all([showUse(), showBudgets(byId("budgets"), tenant, ownKeys)]));
  follow({
    past: (told) => past.begin(told),
    sample: (sample) => {
      past.add(sample);
      return update(sample);
    },
    state: pulse,
  });
  const id = parameters.get("id");
  if (!id) return;
  byId("back").href = `/me?${query}`;
  byId("one").hidden = false;
  explanation(byId("explanation"), `/api/v1/me/explain/${encodeURIComponent(id)}?${query}`, id);
}

frame();
if (tenant) begin();
else {
  say("lead", "");
  byId("all").replaceChildren(nothing("Whose page?", "Your credential is no tenant's. Choose a tenant on the page Now, or open /me?tenant=acme/search."));
}
