// Charts over time in the house's style: bare, one scale, the colours of the page around them.

import { axis, escaped, house, plotly, SETTINGS } from "./plotting.js";

const TICK_PX = 90;
const POINTS_MAX = 320;
const STEPS_MS = [30, 60, 120, 180, 300, 600].map((seconds) => seconds * 1000);

/** Curves over the clock. `scale`: { range, format, whole, isAiry } of what is measured. */
export class Chart {
  constructor(place, scale = {}) {
    this.place = place;
    this.scale = scale;
    this.curves = [];
    this.span = null;
    document.addEventListener("themechange", () => this.#paint());
  }

  /** `curves`: { name, at (ms), y, colour, dotted, filled, hidden }; `span`: [from, to] in ms. */
  draw(curves, span) {
    this.curves = curves;
    this.span = span;
    return this.#paint();
  }

  async #paint() {
    const library = await plotly();
    if (!this.span || document.hidden) return;
    // plotly draws dates as if the reader lived in Greenwich.
    const offset = new Date(this.span[1]).getTimezoneOffset() * 60000;
    await library.react(this.place, this.curves.map((curve) => this.#trace(offset, curve)), this.#layout(offset), SETTINGS);
  }

  #trace(offset, { name, at, y, colour, dotted, filled, faint }) {
    return {
      type: "scatter",
      mode: "lines",
      name,
      x: thinned(at, at.length).map((ms) => ms - offset),
      y: thinned(y, at.length),
      connectgaps: false,
      opacity: faint ? 0.25 : dotted ? 0.7 : 1,
      line: { color: colour, width: dotted ? 1.25 : 2, dash: dotted ? "dot" : "solid", shape: filled ? "hv" : "linear" },
      stackgroup: filled ? "all" : undefined,
      fillcolor: filled ? `${colour}55` : undefined,
      hoverinfo: dotted ? "skip" : undefined,
      hovertemplate: dotted ? undefined : `%{y:${this.scale.format ?? ""}}<extra>${escaped(name)}</extra>`,
    };
  }

  // Room above curves that run at their greatest for long.
  #airy() {
    if (!this.scale.isAiry) return undefined;
    return [0, 1.2 * this.#top()];
  }

  #top() {
    return Math.max(1, ...this.curves.flatMap(({ y }) => y));
  }

  // No whole number twice.
  #whole() {
    return { tickformat: ",d", dtick: this.#top() < 5 ? 1 : undefined };
  }

  #layout(offset) {
    return {
      ...house(),
      hovermode: "x unified",
      xaxis: { ...axis(), type: "date", range: this.span.map((ms) => ms - offset), hoverformat: "%H:%M:%S", showgrid: false, tickangle: 0, ...ticks(this.span, this.place.clientWidth) },
      yaxis: { ...axis(), range: this.scale.range ?? this.#airy(), rangemode: "tozero", nticks: 5, ...(this.scale.whole ? this.#whole() : { tickformat: this.scale.format }) },
    };
  }
}

// Few enough to be read side by side, and no clock time twice.
function ticks([from, to], width) {
  const room = Math.max(2, width / TICK_PX);
  const dtick = STEPS_MS.find((step) => (to - from) / step <= room) ?? STEPS_MS.at(-1);
  return { dtick, tickformat: dtick < 60000 ? "%H:%M:%S" : "%H:%M" };
}

// Every second or third moment of a long past: a line has no room for more. The last one stays.
function thinned(values, rows) {
  const step = Math.ceil(rows / POINTS_MAX);
  return step < 2 ? values : values.filter((_, row) => row % step === 0 || row === rows - 1);
}
