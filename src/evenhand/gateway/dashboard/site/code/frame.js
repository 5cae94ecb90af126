// What every page has around it: where one is, whether figures are live, light or dark.

import { ask, every, Refused } from "./ask.js";
import { byId, element, say } from "./dom.js";

const ALARMS_AGAIN_MS = 10_000;

const PAGES = [
  ["now", "/", "Now"],
  ["tenants", "/tenants", "Tenants"],
  ["requests", "/requests", "Requests"],
  ["engines", "/engines", "Engines"],
  ["money", "/money", "Money"],
  ["alarms", "/alarms", "Alarms"],
];

const OF_A_TENANT = [["me", "/me", "My share"]];

/** Draw the frame. Call once. */
export function frame() {
  const { page, tenant, who, role, session } = document.documentElement.dataset;
  say("who", tenant ? tenant : `${who}, ${role}`);
  byId("sign-out").hidden = !session;
  byId("pages").append(
    element("ul", {}, (tenant ? OF_A_TENANT : PAGES).map(([name, path, title]) =>
      element("li", {}, element("a", { href: path, "aria-current": name === page ? "page" : null }, title)))),
  );
  if (!tenant) every(ALARMS_AGAIN_MS, countAlarms);
  const button = byId("theme");
  const label = () => say(button, isDark() ? "Light" : "Dark");
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("evenhand-theme", theme);
    label();
    document.dispatchEvent(new Event("themechange"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    label();
    document.dispatchEvent(new Event("themechange"));
  });
  button.setAttribute("aria-label", "Switch between light and dark");
  label();
}

/** How many alarms stand, wherever one looks. */
async function countAlarms() {
  try {
    const { standing } = await ask("/api/v1/alarms");
    const link = byId("pages").querySelector('[href="/alarms"]');
    link.dataset.count = standing.length || "";
    link.title = standing.length ? `${standing.length} of them standing` : "";
    // Read aloud, the number would be a part of the word.
    link.ariaLabel = standing.length ? `Alarms, ${standing.length} standing` : null;
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // the page itself says what is wrong
  }
}

/** Whether the reader may change what runs. The gateway asks again. */
export const mayOperate = () => ["operator", "owner"].includes(document.documentElement.dataset.role);

export const isOwner = () => document.documentElement.dataset.role === "owner";

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Say whether the figures move. Spoken by screen readers only when it changes. */
export function pulse(state, words) {
  const target = byId("pulse");
  if (target.dataset.state === state && target.textContent === words) return;
  target.dataset.state = state;
  say(target, words);
}

/** A sentence above the page; none takes it away. */
export function notice(words) {
  const target = byId("notice");
  target.hidden = !words;
  say(target, words ?? "");
}
