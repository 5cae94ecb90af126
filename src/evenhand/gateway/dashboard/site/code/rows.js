// A table that stays quick with thousands of rows: only those in sight are in the page.

import { element, say } from "./dom.js";

const ROW_PX = 36;
const SPARE = 6;

/**
 * `columns`: { key, title, number, value(row) -> text, sort(row) -> comparable, draw(cell, row) }.
 * `show(rows)` takes all rows; searching and sorting are the table's.
 */
export class Rows {
  constructor(place, { columns, caption, sort, descending = true, words, empty, onPick = null }) {
    this.columns = columns;
    this.words = words;
    this.empty = empty;
    this.onPick = onPick;
    this.sorted = sort;
    this.descending = descending;
    this.all = [];
    this.found = [];
    this.needle = "";
    this.body = element("tbody");
    this.heads = columns.map((column) => this.#head(column));
    this.table = element("table", { class: "rows" },
      element("caption", { class: "unseen" }, caption),
      element("thead", {}, element("tr", {}, this.heads)), this.body);
    this.scroll = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, this.table);
    this.scroll.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.left = element("p", { class: "note", "aria-live": "off" });
    this.above = spacer(columns.length);
    this.below = spacer(columns.length);
    this.pool = [];
    place.replaceChildren(this.scroll, this.left);
    this.#order();
  }

  show(rows, leftOut = "") {
    this.all = rows;
    this.leftOut = leftOut;
    this.#order();
  }

  find(needle) {
    this.needle = needle.trim().toLowerCase();
    this.scroll.scrollTop = 0;
    this.#order();
  }

  #head(column) {
    const button = element("button", { type: "button", class: "sort" }, column.title);
    button.addEventListener("click", () => {
      this.descending = this.sorted === column.key ? !this.descending : Boolean(column.number);
      this.sorted = column.key;
      this.#order();
    });
    return element("th", { scope: "col", class: column.number ? "number" : null, title: column.hint },
      column.sort ? button : column.title);
  }

  #order() {
    const column = this.columns.find(({ key }) => key === this.sorted);
    const found = this.needle ? this.all.filter((row) => this.words(row).toLowerCase().includes(this.needle)) : [...this.all];
    if (column?.sort) {
      const keyed = found.map((row) => [column.sort(row), row]);
      const sign = this.descending ? -1 : 1;
      keyed.sort(([a], [b]) => sign * (a < b ? -1 : a > b ? 1 : 0));
      this.found = keyed.map(([, row]) => row);
    } else this.found = found;
    this.columns.forEach(({ key }, number) => {
      if (key === this.sorted) this.heads[number].setAttribute("aria-sort", this.descending ? "descending" : "ascending");
      else this.heads[number].removeAttribute("aria-sort");
    });
    this.table.setAttribute("aria-rowcount", String(this.found.length + 1));
    const some = this.needle ? `${this.found.length} of ${this.all.length} match. ` : "";
    say(this.left, `${some}${this.leftOut ?? ""}`);
    this.#draw();
  }

  #draw() {
    const height = this.scroll.clientHeight || 600;
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / ROW_PX) - SPARE);
    const shown = this.found.slice(first, first + Math.ceil(height / ROW_PX) + 2 * SPARE);
    if (!this.found.length) {
      const text = this.needle ? "Nothing matches. Clear the search to see all." : this.empty;
      this.body.replaceChildren(element("tr", {}, element("td", { colspan: this.columns.length, class: "empty" }, text)));
      this.pool = [];
      return;
    }
    if (this.pool.length !== shown.length) {
      this.pool = shown.map((_, number) => this.pool[number] ?? this.#row());
      this.body.replaceChildren(this.above, ...this.pool.map(({ line }) => line), this.below);
    }
    this.above.style.height = `${first * ROW_PX}px`;
    this.above.hidden = first === 0;
    this.below.style.height = `${(this.found.length - first - shown.length) * ROW_PX}px`;
    this.below.hidden = first + shown.length === this.found.length;
    shown.forEach((row, number) => this.#fill(this.pool[number], row, first + number + 2));
  }

  #row() {
    const cells = this.columns.map(({ number, key }, place) =>
      element(place ? "td" : "th", { class: `${number ? "number " : ""}is-${key}`, scope: place ? null : "row" }));
    return { line: element("tr", {}, cells), cells };
  }

  #fill({ line, cells }, row, place) {
    if (line.ariaRowIndex !== String(place)) line.ariaRowIndex = String(place);
    this.columns.forEach((column, number) => {
      if (column.draw) column.draw(cells[number], row);
      else say(cells[number], column.value(row));
    });
  }
}

const spacer = (columns) => element("tr", { class: "spacer", "aria-hidden": "true" }, element("td", { colspan: columns }));
