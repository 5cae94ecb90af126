// One request: what became of it, and who was served while it waited.

import { ask, Refused } from "./ask.js";
import { element, nothing } from "./dom.js";
import { count, duration } from "./numbers.js";

/** Draw what the gateway says at `path` of a request into `place`. */
export async function explanation(place, path, id) {
  try {
    place.replaceChildren(element("div", { class: "card" }, drawn(await ask(path))));
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
    element("ul", { class: "sentences" }, page.sentences.map((sentence) => element("li", {}, sentence))),
  ];
  if (page.instead.length) parts.push(served(page.instead));
  return parts;
}

const fact = (title, value) => (value ? element("div", {}, element("dt", {}, title), element("dd", {}, value)) : null);

function served(lines) {
  const columns = [["lane", "Lane"], ["requests", "Requests"], ["units", "Units"], ["counter", "Its counter"], ["own_counter", "Own counter"]]
    .filter(([key]) => lines[0][key] !== undefined);
  const isNumber = (key) => key !== "lane";
  return element("div", { class: "scroll" }, element("table", {},
    element("caption", { class: "unseen" }, "Tenants that were served while the request waited"),
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Served instead"),
      columns.map(([key, title]) => element("th", { scope: "col", class: isNumber(key) ? "number" : null }, title)))),
    element("tbody", {}, lines.map((line) => element("tr", {}, element("th", { scope: "row" }, line.tenant),
      columns.map(([key]) => element("td", { class: isNumber(key) ? "number" : null }, isNumber(key) ? count(line[key]) : line[key])))))));
}
