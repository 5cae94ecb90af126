// Budgets: how much of each is spent, held and left, and when it begins anew.

import { ask, Refused } from "./ask.js";
import { element, nothing, say } from "./dom.js";
import { amount, MISSING, rounded } from "./numbers.js";
import { Rows } from "./rows.js";

const tables = new WeakMap();

/** Draw them into `place`; of one tenant with all beneath it and its keys where these are named. */
export async function showBudgets(place, tenant = "", keys = []) {
  const empty = tenant ? "No budget of its own limits this tenant." : "There is no budget. The section budgets of the configuration sets them.";
  try {
    const told = await ask("/api/v1/budgets");
    const rows = [...told.budgets, ...told.keys].filter((row) => !tenant || keys.includes(row.key) || row.tenant === tenant || row.tenant?.startsWith(`${tenant}/`));
    if (!tables.has(place)) tables.set(place, budgetRows(place, empty));
    tables.get(place).show(rows.map(parted), told.keys_left_out ? `${told.keys_left_out} keys with limits of their own are left out.` : "");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tables.delete(place);
    place.replaceChildren(nothing("No budget can be told.", error.message));
  }
}

const whose = (row) => row.tenant ?? `key ${row.key}`;

/** A budget may limit money, or tokens, or both: the tighter one is drawn. */
function parted(row) {
  const ofMoney = row.spend_max === null ? -1 : part(row.spend_posted, row.spend_held, row.spend_max);
  const ofTokens = row.tokens_max === null ? -1 : part(row.tokens_posted, row.tokens_held, row.tokens_max);
  const isMoney = ofMoney >= ofTokens;
  const show = isMoney ? (value) => `${rounded(value)} ${row.currency}` : (value) => `${amount(value)} tokens`;
  const of = (key) => row[`${isMoney ? "spend" : "tokens"}_${key}`];
  return {
    ...row,
    show,
    most: of("max"), posted: of("posted"), held: of("held"), left: of("left"),
    used: Math.max(ofMoney, ofTokens),
    spent: Number(of("posted")) / Number(of("max")),
  };
}

const part = (posted, held, most) => (Number(posted) + Number(held)) / Number(most);

function budgetRows(place, empty) {
  const figure = (key, title, hint) => ({ key, title, hint, number: true, draw: (cell, row) => { say(cell, row.show(row[key])); cell.title = row[key]; } });
  return new Rows(place, {
    caption: "Budgets as they stand",
    words: (row) => whose(row),
    empty,
    sort: "used",
    columns: [
      { key: "path", title: "Whose", sort: whose, value: whose },
      { key: "period", title: "Each", value: (row) => (row.period === "total" ? "in all" : row.period) },
      { key: "mode", title: "Kind", hint: "Hard: what would exceed it is refused. Soft: it goes to the last lane.", value: (row) => row.mode },
      { key: "bar", title: "Spent and held", draw: drawBar },
      { key: "used", title: "Used", number: true, sort: (row) => row.used, draw: drawUsed },
      figure("posted", "Spent"),
      figure("held", "Held", "For requests that are open: the most that they may cost."),
      figure("left", "Left"),
      figure("most", "Limit"),
      { key: "resets", title: "Begins anew", value: (row) => row.resets_at?.slice(0, 16).replace("T", " ") ?? MISSING },
    ],
  });
}

function drawBar(cell, row) {
  if (!cell.firstChild) cell.append(element("div", { class: "bullet", "aria-hidden": "true" }, element("i", { class: "held" }), element("i")));
  const [held, spent] = cell.firstChild.children;
  held.style.width = `${Math.min(100, row.used * 100)}%`;
  spent.style.width = `${Math.min(100, row.spent * 100)}%`;
  spent.style.background = row.used_up ? "var(--bad)" : "var(--accent)";
}

function drawUsed(cell, row) {
  say(cell, `${(row.used * 100).toFixed(0)} %`);
  cell.dataset.state = row.used_up ? "bad" : row.used > 0.8 ? "warn" : "";
}
