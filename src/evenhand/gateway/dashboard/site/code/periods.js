// Periods that people ask for, as the first day and the day after the last, UTC.

export const PERIODS = [["day", "Today"], ["week", "Last 7 days"], ["month", "This month"], ["last-month", "Last month"], ["all", "All"]];

const DAY_MS = 86_400_000;
const text = (ms) => new Date(ms).toISOString().slice(0, 10);

/** `from` and `to` of a query; empty: everything. */
export function periodOf(name) {
  const now = new Date();
  const month = (back) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1);
  switch (name) {
    case "day": return { from: text(now) };
    case "week": return { from: text(now - 6 * DAY_MS) };
    case "month": return { from: text(month(0)) };
    case "last-month": return { from: text(month(1)), to: text(month(0)) };
    default: return {};
  }
}

/** This month, such as 2026-11. */
export const thisMonth = () => text(new Date()).slice(0, 7);
