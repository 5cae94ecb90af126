// What can be done with a tenant: each first shown, then applied.

import { element, nothing } from "./dom.js";
import { mayOperate } from "./frame.js";
import { Plan } from "./plan.js";

const WEIGHT_MAX = 10000;
const NAME = "[A-Za-z0-9][A-Za-z0-9._\\-]{0,127}";

export class TenantForms {
  constructor(place, { changed }) {
    this.place = place;
    this.changed = changed;
    this.row = null;
    this.version = null;
    this.#draw();
  }

  /** Another tenant is chosen. */
  pick(row) {
    this.row = row;
    this.#draw();
  }

  /** Its figures have moved, or it is gone. */
  refresh(row) {
    if (this.row && !row) this.pick(null);
    else this.row = row;
  }

  #draw() {
    if (!mayOperate()) {
      this.place.replaceChildren(element("p", { class: "note" }, "Your role sees everything and changes nothing. Changes want the role operator."));
      return;
    }
    if (!this.row) {
      this.place.replaceChildren(nothing("No tenant is chosen.", "Choose one in the tree to change its weight, to put it elsewhere or to add one beneath it."), this.#adding(""));
      return;
    }
    const { path } = this.row;
    this.place.replaceChildren(element("p", { class: "path" }, path), this.#weighing(path), this.#adding(path), this.#moving(path), this.#removing(path));
  }

  #weighing(path) {
    const weight = element("input", { type: "number", min: 1, max: WEIGHT_MAX, step: 1, required: true, value: this.row.weight, id: "weight", inputmode: "numeric" });
    return this.#form("Weight", [label("Weight", weight, "1 to 10,000; its part among its siblings.")],
      () => ({ method: "PATCH", path: one(path), body: { weight: Number(weight.value) } }));
  }

  #adding(path) {
    const name = element("input", { type: "text", required: true, pattern: NAME, maxlength: 128, id: "new-name", autocomplete: "off", spellcheck: "false", title: "Letters, digits, '.', '_' and '-'." });
    const weight = element("input", { type: "number", min: 1, max: WEIGHT_MAX, step: 1, required: true, value: 1, id: "new-weight", inputmode: "numeric" });
    return this.#form(path ? "Add one beneath it" : "Add a tenant at the top", [label("Name", name), label("Weight", weight)],
      () => ({ method: "POST", path: "/api/v1/tenants", body: { path: path ? `${path}/${name.value}` : name.value, weight: Number(weight.value) } }));
  }

  #moving(path) {
    const to = element("input", { type: "text", id: "move-to", autocomplete: "off", spellcheck: "false", placeholder: "empty: the top" });
    return this.#form("Put it elsewhere", [label("Beneath", to)],
      () => ({ method: "POST", path: `${one(path)}/move`, body: { to: to.value.trim() } }));
  }

  #removing(path) {
    return this.#form("Take it out", [element("p", { class: "note" }, "Its open requests run to their end, new ones are refused.")],
      () => ({ method: "DELETE", path: one(path) }));
  }

  #form(title, fields, request) {
    const plan = new Plan({ version: () => this.version, changed: () => this.changed() });
    const form = element("form", { novalidate: false }, ...fields, element("button", { class: "quiet" }, "Show what it would do"), plan.place);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      plan.show(request());
    });
    form.addEventListener("input", () => plan.clear());
    return element("details", { open: title === "Weight" }, element("summary", {}, title), form);
  }
}

const one = (path) => `/api/v1/tenants/${path.split("/").map(encodeURIComponent).join("/")}`;

function label(title, input, hint) {
  return element("label", { class: "field" }, element("span", {}, title), input, hint && element("small", {}, hint));
}
