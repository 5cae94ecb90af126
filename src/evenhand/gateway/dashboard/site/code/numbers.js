// Numbers as people read them. Everywhere the same number looks the same.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export const MISSING = "–";

const is = (value) => typeof value === "number" && Number.isFinite(value);

/** 12,345 */
export const count = (value) => (is(value) ? whole.format(value) : MISSING);

/** 1.23M, for amounts whose last digits nobody reads */
export const amount = (value) => (!is(value) ? MISSING : Math.abs(value) < 10000 ? whole.format(value) : short.format(value));

/** 12.3 % of a part of 1 */
export function percent(part) {
  if (!is(part)) return MISSING;
  const value = part * 100;
  if (value > 0 && value < 0.05) return "< 0.1 %";
  return `${value.toFixed(1)} %`;
}

/** How many digits decimal text has behind the point. */
export const decimals = (decimal) => (String(decimal).split(".")[1] ?? "").length;

/** 1,234.50 of decimal text: exact, at least so many decimals */
export function money(decimal, places = 2) {
  if (decimal === undefined || decimal === null) return MISSING;
  const [units, rest = ""] = String(decimal).split(".");
  return `${units.replace(/\B(?=(\d{3})+$)/g, ",")}.${rest.padEnd(places, "0")}`;
}

const cents = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 4 });

/** 1,234.5678 of decimal text, for looking at; what is exact stands beside it */
export const rounded = (decimal) => (decimal === null || decimal === undefined ? MISSING : cents.format(Number(decimal)));

/** 0.987 of parts in a million */
export const index = (ppm) => (is(ppm) ? (ppm / 1e6).toFixed(3) : MISSING);

/** 340 ms, 2.4 s, 3 min 5 s, 2 h 4 min */
export function duration(ms) {
  if (!is(ms)) return MISSING;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60000) / 1000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 1 request, 2 requests */
export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** 14:03:09 by the reader's clock */
export const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");
