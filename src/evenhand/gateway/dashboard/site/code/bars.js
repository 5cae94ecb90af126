// Amounts by day, one upon the other.

import { axis, escaped, house, plotly, SETTINGS } from "./plotting.js";

export class Bars {
  constructor(place) {
    this.place = place;
    this.parts = [];
    document.addEventListener("themechange", () => this.#paint());
  }

  /** `parts`: { name, colour, days, amounts }; `unit` stands behind amounts. */
  draw(parts, unit) {
    this.parts = parts;
    this.unit = unit;
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
      hovertemplate: `%{y:,.6~g} ${escaped(this.unit)}<extra>${escaped(name)}</extra>`,
    }));
    await library.react(this.place, traces, {
      ...house(),
      barmode: "stack",
      bargap: 0.35,
      hovermode: "closest",
      xaxis: { ...axis(), type: "category", showgrid: false },
      yaxis: { ...axis(), rangemode: "tozero", nticks: 5, title: { text: this.unit, font: { size: 12 } } },
    }, SETTINGS);
  }
}
