// A change in two steps: what it would do, then done. The second refuses if the gateway has changed since.

import { Refused, send } from "./ask.js";
import { element } from "./dom.js";
import { counted, percent } from "./numbers.js";

const PROMISES_SHOWN = 12;

export class Plan {
  constructor({ version, changed }) {
    this.version = version;
    this.changed = changed;
    this.place = element("div", { class: "plan", "aria-live": "polite" });
  }

  clear() {
    this.place.replaceChildren();
  }

  /** Ask what the request would do, and offer to do it. */
  async show(request) {
    try {
      const told = await send(request.method, `${request.path}?dry_run=true`, request.body);
      const apply = element("button", { type: "button", class: "do" }, "Apply");
      apply.addEventListener("click", () => this.#apply(request, told.version, apply));
      const number = told.differences.length + told.differences_left_out;
      if (!number) this.place.replaceChildren(element("p", { class: "note" }, "Nothing would change."));
      else this.place.replaceChildren(element("p", {}, `${counted(number, "thing")} would change.`), ...effects(told), apply);
    } catch (error) {
      this.#refused(error);
    }
  }

  async #apply(request, version, button) {
    button.disabled = true;
    try {
      const told = await send(request.method, `${request.path}?version=${version}`, request.body);
      this.place.replaceChildren(element("p", { class: "good" }, `Applied; version ${told.version} is in force.`));
      this.changed();
    } catch (error) {
      this.#refused(error);
    }
  }

  #refused(error) {
    if (!(error instanceof Refused)) throw error;
    this.place.replaceChildren(element("p", { class: "bad", role: "alert" }, error.message));
  }
}

/** The promised shares that move, and the places that differ. */
export function effects(told) {
  const parts = [];
  if (told.promises.length) {
    parts.push(element("table", { class: "small" },
      element("caption", {}, "Promised shares"),
      element("thead", {}, element("tr", {}, ["Tenant", "Before", "After"].map((title, place) => element("th", { scope: "col", class: place ? "number" : null }, title)))),
      element("tbody", {}, told.promises.slice(0, PROMISES_SHOWN).map((line) => element("tr", {},
        element("th", { scope: "row" }, line.tenant),
        element("td", { class: "number" }, percent(line.before)),
        element("td", { class: "number" }, percent(line.after)))))));
    const more = told.promises.length - PROMISES_SHOWN;
    if (more > 0) parts.push(element("p", { class: "note" }, `${counted(more, "more share")} would move by less.`));
  } else {
    parts.push(element("ul", {}, told.differences.slice(0, PROMISES_SHOWN).map((one) =>
      element("li", {}, element("code", {}, one.place), `: ${text(one.before)} → ${text(one.after)}`))));
  }
  return parts;
}

/** A value of the configuration in a few words. */
export function text(value) {
  if (value === undefined) return "not there";
  const written = typeof value === "string" ? value : JSON.stringify(value);
  return written.length > 120 ? `${written.slice(0, 117)}…` : written;
}
