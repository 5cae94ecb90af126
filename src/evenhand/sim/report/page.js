"use strict";
// Plots take their colours from the page, so they follow it between light and dark.
const isDark = window.matchMedia("(prefers-color-scheme: dark)");
const wide = { responsive: true, displaylogo: false, displayModeBar: false };

function shade(layout) {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  const changed = {
    "font.color": of("--soft"), "hoverlabel.bgcolor": of("--card"),
    "hoverlabel.bordercolor": of("--line"), "hoverlabel.font.color": of("--ink"),
  };
  for (const name of Object.keys(layout)) {
    if (/^[xy]axis[0-9]*$/.test(name)) {
      changed[name + ".gridcolor"] = of("--grid");
      changed[name + ".linecolor"] = of("--line");
    }
  }
  return changed;
}

function drawAll() {
  if (typeof PLOTS === "undefined") return;
  PLOTS.forEach((plot, number) => {
    const place = document.getElementById("plot-" + number);
    Plotly.newPlot(place, plot.data, plot.layout, wide)
      .then(() => Plotly.relayout(place, shade(plot.layout)));
  });
}

function shadeAll() {
  if (typeof PLOTS === "undefined") return;
  PLOTS.forEach((plot, number) => {
    Plotly.relayout(document.getElementById("plot-" + number), shade(plot.layout));
  });
}

function value(row, column) {
  const cell = row.cells[column];
  const given = cell.dataset.value;
  if (given === undefined) return cell.classList.contains("number") ? null : cell.textContent;
  const number = Number(given);
  return Number.isNaN(number) ? given : number;
}

function sortBy(table, column, isDown) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  rows.sort((one, other) => {
    const a = value(one, column), b = value(other, column);
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "number" && typeof b === "number"
      ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
    return isDown ? -order : order;
  });
  body.append(...rows);
}

function makeSortable(block) {
  const table = block.querySelector("table");
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => {
    head.tabIndex = 0;
    const sort = () => {
      const isDown = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      sortBy(table, column, isDown);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
  const search = block.querySelector("input[type=search]");
  if (search) {
    search.addEventListener("input", () => {
      const wanted = search.value.toLowerCase();
      for (const row of table.tBodies[0].rows) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
      }
    });
  }
}

drawAll();
isDark.addEventListener("change", shadeAll);
document.querySelectorAll(".sortable").forEach(makeSortable);
