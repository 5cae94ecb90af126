// The share tree, and changes of it: first what they would do, then done.

import { ask, every, Refused } from "./ask.js";
import { showAudit, showDrift } from "./changes.js";
import { byId, element, say } from "./dom.js";
import { frame, mayOperate, notice, pulse } from "./frame.js";
import { amount, count, counted, percent } from "./numbers.js";
import { Rows } from "./rows.js";
import { TenantForms } from "./tenant_forms.js";

const AGAIN_MS = 2000;
const ROWS_MAX = 2000;

let rows = [];
let picked = null;
const closed = new Set();

const table = new Rows(byId("tree"), {
  caption: "The share tree, parents before their children",
  words: (row) => row.path,
  empty: "There is no tenant. The section tenants of the configuration names them.",
  columns: [
    { key: "path", title: "Tenant", draw: drawName },
    { key: "weight", title: "Weight", number: true, value: (row) => count(row.weight) },
    { key: "promised", title: "Promised", number: true, hint: "Its part while everybody is active.", value: (row) => percent(row.share_promised) },
    { key: "received", title: "Received", number: true, hint: "Its part of all service since the gateway started.", value: (row) => percent(row.share_received) },
    { key: "queued", title: "Waiting", number: true, value: (row) => count(row.queued_requests) },
    { key: "running", title: "Running", number: true, value: (row) => count(row.running_requests) },
    { key: "service", title: "Service", number: true, hint: "In units.", value: (row) => amount(row.service_units) },
  ],
});

const forms = new TenantForms(byId("change"), { changed: () => look() });

function drawName(cell, row) {
  if (!cell.firstChild) {
    const fold = element("button", { type: "button", class: "fold" });
    const name = element("button", { type: "button", class: "name" });
    fold.addEventListener("click", () => toggle(cell.path));
    name.addEventListener("click", () => pick(cell.path));
    cell.append(fold, name);
  }
  cell.path = row.path;
  const [fold, name] = cell.children;
  cell.style.paddingLeft = `${14 + 20 * (row.path.split("/").length - 1)}px`;
  fold.style.visibility = row.children ? "visible" : "hidden";
  say(fold, closed.has(row.path) ? "▸" : "▾");
  fold.setAttribute("aria-expanded", String(!closed.has(row.path)));
  fold.setAttribute("aria-label", `What is beneath ${row.path}`);
  say(name, row.path.split("/").at(-1));
  name.title = row.path;
  name.setAttribute("aria-pressed", String(row.path === picked));
}

function toggle(path) {
  if (!closed.delete(path)) closed.add(path);
  draw();
}

function pick(path) {
  picked = path;
  forms.pick(rows.find((row) => row.path === path));
  draw();
  if (mayOperate()) byId("panel").querySelector("input")?.focus();
}

function draw(leftOut = 0) {
  const isShown = (path) => {
    const parts = path.split("/");
    return !parts.some((_, depth) => depth && closed.has(parts.slice(0, depth).join("/")));
  };
  table.show(rows.filter((row) => isShown(row.path)),
    leftOut ? `${counted(leftOut, "more tenant")} ${leftOut === 1 ? "is" : "are"} left out: the first ${count(ROWS_MAX)} are shown.` : "");
}

const look = async () => {
  try {
    const told = await ask(`/api/v1/tenants?limit=${ROWS_MAX}`);
    pulse("live", "live");
    rows = told.tenants;
    const leaves = rows.filter((row) => !row.children).length;
    say("lead", `${counted(leaves + told.left_out, "tenant")} in the share tree, and what a change of it would do.`);
    forms.version = told.version;
    forms.refresh(rows.find((row) => row.path === picked));
    draw(told.left_out);
    await Promise.all([showDrift(byId("drift"), look), showAudit(byId("audit"))]);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    pulse("lost", "no answer");
    notice(error.message);
  }
};

frame();
byId("find").addEventListener("input", (event) => table.find(event.target.value));
every(AGAIN_MS, look);
