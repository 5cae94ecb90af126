// The palette of reports: readable on a light page and on a dark one (sim/report/palette.py).

const COLOURS = [
  "#4b7bec", "#f0883e", "#26a886", "#b569d6", "#e0526e", "#9a9a35",
  "#33a6c9", "#a8775a", "#d9a91a", "#e58bc4", "#6f7fb5", "#7bbf4c",
];
export const GREY = "#8b93a1";

const given = new Map();

/** A colour that a name keeps while the page is open; grey when there are no more. */
export function colourOf(name) {
  if (!given.has(name) && given.size < COLOURS.length) given.set(name, COLOURS[given.size]);
  return given.get(name) ?? GREY;
}
