// Where the gateway differs from its file, and who changed what.

import { ask, Refused, send } from "./ask.js";
import { element } from "./dom.js";
import { mayOperate, notice } from "./frame.js";
import { text } from "./plan.js";
import { Rows } from "./rows.js";

const AUDIT_ROWS = 100;
const day = (ms) => new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const tables = new WeakMap();

/** Each difference, with a way back. */
export async function showDrift(place, changed) {
  const table = kept(place, () => new Rows(place, {
    caption: "Differences from the configuration file",
    words: (row) => row.place,
    empty: "Nothing: what the file says is in force.",
    columns: [
      { key: "place", title: "Place", value: (row) => row.place },
      { key: "file", title: "In the file", value: (row) => text(row.file) },
      { key: "live", title: "In force", value: (row) => (row.set_aside ? `set aside: ${row.set_aside}` : text(row.live)) },
      { key: "who", title: "By", value: (row) => row.who },
      { key: "when", title: "At", value: (row) => day(row.at_ms) },
      ...(mayOperate() ? [{ key: "back", title: "", draw: (cell, row) => drawBack(cell, row, changed) }] : []),
    ],
  }));
  table.show((await ask("/api/v1/drift")).overrides);
}

function drawBack(cell, row, changed) {
  if (!cell.firstChild) {
    const button = element("button", { type: "button", class: "quiet" }, "Take back");
    button.addEventListener("click", () => takeBack(cell.place, changed));
    cell.append(button);
  }
  cell.place = row.place;
  cell.firstChild.setAttribute("aria-label", `Take back ${row.place}`);
}

async function takeBack(place, changed) {
  try {
    await send("DELETE", `/api/v1/drift?place=${encodeURIComponent(place)}`);
    notice(null);
    await changed();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(`${place} was not taken back. ${error.message}`);
  }
}

/** The last acts, latest first. */
export async function showAudit(place) {
  const table = kept(place, () => new Rows(place, {
    caption: "The last changes, latest first",
    words: (row) => `${row.who} ${row.what} ${row.place}`,
    empty: "Nobody has changed anything.",
    columns: [
      { key: "when", title: "At", value: (row) => day(row.at_ms) },
      { key: "who", title: "Who", value: (row) => row.who },
      { key: "what", title: "What", value: (row) => row.what },
      { key: "place", title: "Place", value: (row) => row.place },
      { key: "before", title: "Before", value: (row) => text(row.before) },
      { key: "after", title: "After", value: (row) => text(row.after) },
    ],
  }));
  table.show((await ask(`/api/v1/audit?limit=${AUDIT_ROWS}`)).rows);
}

function kept(place, make) {
  if (!tables.has(place)) tables.set(place, make());
  return tables.get(place);
}
