// Amounts by day, one upon the other.

import { axis, escaped, house, plotly, SETTINGS } from "./plotting.js";

const DAY_MS = 86_400_000;

export class Bars {
  constructor(place) {
    this.place = place;
    this.parts = [];
    document.addEventListener("themechange", () => this.#paint());
  }

  /** `parts`: { name, colour, days, amounts }; `unit` stands behind amounts; `span`: first and last day. */
  draw(parts, unit, span) {
    this.parts = parts;
    this.unit = unit;
    this.span = span;
    return this.#paint();
  }

  async #paint() {
    const library = await plotly();
    if (!this.parts.length) return;
    const traces = this.parts.map(({ name, colour, days, amounts }) => ({
      type: "bar",
      name,
      x: days,
      y: amounts,
      marker: { color: colour },
      xperiod: DAY_MS,
      xperiodalignment: "middle",
      width: DAY_MS * 0.7,
      hovertemplate: `%{x|%-d %b}: %{y:,.6~g} ${escaped(this.unit)}<extra>${escaped(name)}</extra>`,
    }));
    await library.react(this.place, traces, {
      ...house(),
      barmode: "stack",
      bargap: 0.3,
      hovermode: "closest",
      xaxis: { ...axis(), type: "date", range: this.span, showgrid: false, tickformat: "%-d %b", nticks: 12 },
      yaxis: { ...axis(), rangemode: "tozero", nticks: 5, ticksuffix: this.unit === "tokens" ? "" : ` ${this.unit}` },
    }, SETTINGS);
  }
}
