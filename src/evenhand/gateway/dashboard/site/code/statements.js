// Statements: of a tenant and a period, as a page and as files; those that were issued.

import { ask, Refused, send } from "./ask.js";
import { byId, element, nothing } from "./dom.js";
import { isOwner } from "./frame.js";
import { count, money } from "./numbers.js";
import { thisMonth } from "./periods.js";
import { Rows } from "./rows.js";

const FILES = [["text", "Text"], ["csv", "CSV"], ["parquet", "Parquet"], ["focus", "FOCUS"], ["json", "JSON"]];
let table = null;

/** Let the form ask, and list what was issued. */
export function beginStatements() {
  byId("when").value = thisMonth();
  byId("statement").addEventListener("submit", (event) => {
    event.preventDefault();
    show(byId("of").value.trim(), byId("when").value.trim());
  });
  listIssued();
}

const pathOf = (tenant, query) => `/api/v1/statements/${tenant.split("/").map(encodeURIComponent).join("/")}?${new URLSearchParams(query)}`;

async function show(tenant, period) {
  const place = byId("one");
  try {
    const told = await ask(pathOf(tenant, { period, by: "model" }));
    place.replaceChildren(drawn(told, tenant, period));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    place.replaceChildren(nothing("There is no such statement.", error.message));
  }
}

function drawn(told, tenant, period) {
  const files = FILES.flatMap(([format, title], place) => [place ? ", " : "", element("a", { href: pathOf(tenant, { period, format }), download: format === "json" ? null : true }, title)]);
  const totals = Object.entries(told.total.money).map(([currency, value]) => `${money(value)} ${currency}`).join(", ") || "no price";
  return element("article", { class: "card" },
    element("div", { class: "head" },
      element("h3", {}, `${told.tenant}, ${told.from} until ${told.to}`),
      element("span", { class: "note" }, told.statement === null ? `draft as of cut ${told.cut}` : `statement ${told.statement}`)),
    element("p", {}, element("strong", {}, totals), ` for ${count(told.total.requests)} requests.`),
    told.lines.length + told.late.length + told.corrections.length ? lines(told) : element("p", { class: "note" }, "Nothing was used in that period."),
    element("p", { class: "note" }, "As a file: ", files, "."),
    told.statement === null && isOver(told.to) && isOwner() ? issuing(tenant, period) : null);
}

const row = (title, line) => element("tr", {},
  element("th", { scope: "row" }, title),
  ...[line.requests, line.input_tokens, line.cached_input_tokens, line.output_tokens].map((value) => element("td", { class: "number" }, count(value))),
  element("td", { class: "number" }, line.currency ? `${money(line.money)} ${line.currency}` : "no price"));

const isOver = (day) => Date.parse(day) <= Date.now();

function lines(told) {
  const titles = ["Model", "Requests", "Input", "From a cache", "Output", "Money"];
  return element("table", { class: "small" },
    element("caption", { class: "unseen" }, "Lines of the statement"),
    element("thead", {}, element("tr", {}, titles.map((title, place) => element("th", { scope: "col", class: place ? "number" : null }, title)))),
    element("tbody", {},
      told.lines.map((line) => row(line.model ?? "none", line)),
      told.late.map((line) => row(`${line.model ?? "none"}, came late`, line)),
      told.corrections.map((line) => row(`Correction ${line.reference}: ${line.reason}`, { requests: 0, ...line }))));
}

function issuing(tenant, period) {
  const said = element("p", { class: "note", "aria-live": "polite" }, "An issued statement never changes; what comes later stands on the next one.");
  const button = element("button", { type: "button", class: "quiet" }, "Issue this statement");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const issued = await send("POST", pathOf(tenant, { period }));
      said.replaceChildren(`Issued as statement ${issued.number}.`);
      await listIssued();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      said.replaceChildren(element("span", { class: "bad" }, error.message));
      button.disabled = false;
    }
  });
  return element("div", { class: "plan" }, button, said);
}

async function listIssued() {
  try {
    const told = await ask("/api/v1/statements");
    table ??= issuedRows();
    table.show(told.statements, told.left_out ? `${count(told.left_out)} older ones are left out.` : "");
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // without a ledger the page says so as a whole
  }
}

function issuedRows() {
  return new Rows(byId("issued"), {
    caption: "Statements that were issued, latest first",
    words: (row) => row.tenant,
    empty: "No statement has been issued. Show one of a period that is over, and issue it.",
    columns: [
      { key: "number", title: "Statement", number: false, value: (row) => count(row.number) },
      { key: "path", title: "Tenant", value: (row) => row.tenant },
      { key: "from", title: "From", value: (row) => row.from },
      { key: "to", title: "Until", value: (row) => row.to },
      { key: "total", title: "Total", number: true, value: (row) => Object.entries(row.total).map(([currency, value]) => `${money(value)} ${currency}`).join(", ") },
      { key: "by", title: "Issued by", value: (row) => row.issued_by },
      { key: "at", title: "Issued", value: (row) => row.issued_at },
    ],
  });
}
