// The last fifteen minutes of one tenant with all beneath it: what it received and what it was due.

const KEPT = 900;
const CHART_S = 10;
const SPAN_MS_MIN = 2 * 60 * 1000;

export class OwnPast {
  constructor(isOwn) {
    this.isOwn = isOwn;
    this.at = [];
    this.received = [];
    this.due = [];
  }

  begin(past) {
    const own = Object.entries(past.tenants).filter(([path]) => this.isOwn(path)).map(([, told]) => told);
    const summed = (key) => past.at_ms.map((_, row) => own.reduce((all, told) => all + (told[key][row] ?? 0), 0) / 1e6);
    this.at = past.at_ms;
    this.received = summed("received_ppm");
    this.due = summed("entitled_ppm");
  }

  add(sample) {
    if (this.at.length && sample.at_ms <= this.at.at(-1)) return;
    const own = sample.tenants.filter((row) => this.isOwn(row.path));
    const summed = (key) => own.reduce((all, row) => all + (row[key] ?? 0), 0) / 1e6;
    this.at.push(sample.at_ms);
    this.received.push(summed("received_ppm"));
    this.due.push(summed("entitled_ppm"));
    if (this.at.length > KEPT + CHART_S) for (const column of [this.at, this.received, this.due]) column.splice(0, CHART_S);
  }

  get span() {
    const end = this.at.at(-1) ?? Date.now();
    return [Math.min(this.at[0] ?? end, end - SPAN_MS_MIN), end];
  }

  /** Means over the ten seconds before each row. */
  curve() {
    return { received: rolling(this.received), due: rolling(this.due) };
  }

  /** Means of the last so many seconds. */
  lately(seconds) {
    return { received: mean(this.received.slice(-seconds)), due: mean(this.due.slice(-seconds)) };
  }
}

const mean = (values) => (values.length ? values.reduce((all, value) => all + value, 0) / values.length : null);

function rolling(values) {
  let sum = 0;
  return values.map((value, row) => {
    sum += value;
    if (row >= CHART_S) sum -= values[row - CHART_S];
    return Math.max(0, sum / Math.min(row + 1, CHART_S));
  });
}
