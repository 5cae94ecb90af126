// One request: what became of it, and who was served while it waited.

import { ask, Refused } from "./ask.js";
import { element, nothing } from "./dom.js";
import { count, duration } from "./numbers.js";

/** Draw what the gateway knows of a request into `place`. */
export async function explanation(place, id) {
  try {
    place.replaceChildren(...drawn(await ask(`/explain/${encodeURIComponent(id)}`)));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    place.replaceChildren(nothing(`${id} cannot be explained.`, error.message));
  }
}

function drawn(page) {
  const parts = [
    element("dl", { class: "facts" },
      fact("Request", page.request_id), fact("Tenant", page.tenant), fact("State", page.outcome ?? page.phase),
      fact("Engine", page.engine), fact("Waited", duration(page.waited_ms))),
    element("ol", { class: "sentences" }, page.sentences.map((sentence) => element("li", {}, sentence))),
  ];
  if (page.instead.length) parts.push(served(page.instead));
  return parts;
}

const fact = (title, value) => (value ? element("div", {}, element("dt", {}, title), element("dd", {}, value)) : null);

function served(lines) {
  const titles = ["Served instead", "Lane", "Requests", "Units", "Its counter", "Own counter"];
  return element("div", { class: "scroll" }, element("table", {},
    element("caption", { class: "unseen" }, "Tenants that were served while the request waited"),
    element("thead", {}, element("tr", {}, titles.map((title, place) => element("th", { scope: "col", class: place > 1 ? "number" : null }, title)))),
    element("tbody", {}, lines.map((line) => element("tr", {},
      element("th", { scope: "row" }, line.tenant), element("td", {}, line.lane),
      ...[line.requests, line.units, line.counter, line.own_counter].map((value) => element("td", { class: "number" }, count(value))))))));
}
