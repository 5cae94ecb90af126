// The last fifteen minutes in the browser: a column for each figure, a row for each second.

const KEPT_MS = 15 * 60 * 1000;
const SHOWN_MS_MIN = 2 * 60 * 1000;
const FORGOTTEN_AT_ONCE = 60; // rows: forgetting copies
const CHART_S = 10;
const NONE = [];

export class Past {
  constructor() {
    this.begin({ at_ms: [], units: [], jain_1s_ppm: [], jain_5min_ppm: [], waiting: [], lanes: {}, engines: {}, tenants: {} });
  }

  /** What the feed tells at its beginning; of a tenant's own feed only its own leaves. */
  begin(past) {
    const rows = past.at_ms.length;
    const column = (values) => values ?? new Array(rows).fill(null);
    this.at = past.at_ms;
    this.units = column(past.units);
    this.jain1s = column(past.jain_1s_ppm).map(part);
    this.jain5min = column(past.jain_5min_ppm).map(part);
    this.waiting = column(past.waiting);
    this.lanes = new Map(Object.entries(past.lanes ?? {}));
    this.inFlight = new Map(Object.entries(past.engines ?? {}).map(([name, told]) => [name, told.in_flight]));
    this.windows = new Map(Object.entries(past.engines ?? {}).map(([name, told]) => [name, told.window]));
    this.tenants = new Map(Object.entries(past.tenants).map(([path, told]) => [path, told.units]));
    this.dues = new Map(Object.entries(past.tenants).map(([path, told]) =>
      [path, told.entitled_ppm.map((ppm, row) => due(ppm, this.units[row]))]));
  }

  /** One second more; what is older than fifteen minutes goes. */
  add(sample) {
    if (this.at.length && sample.at_ms <= this.at.at(-1)) return;
    const rows = this.at.length;
    const { lanes = NONE, engines = NONE, tenants } = sample;
    this.at.push(sample.at_ms);
    this.units.push(sample.units ?? null);
    this.jain1s.push(part(sample.jain_1s_ppm));
    this.jain5min.push(part(sample.jain_5min_ppm));
    this.waiting.push(sample.queue?.requests ?? null);
    extend(this.lanes, rows, lanes, (lane) => lane.name, (lane) => lane.queued);
    extend(this.inFlight, rows, engines, (engine) => engine.name, (engine) => engine.in_flight);
    extend(this.windows, rows, engines, (engine) => engine.name, (engine) => engine.window);
    extend(this.tenants, rows, tenants, (tenant) => tenant.path, (tenant) => tenant.units);
    extend(this.dues, rows, tenants, (tenant) => tenant.path, (tenant) => due(tenant.entitled_ppm, sample.units));
    this.#forget();
  }

  get span() {
    const end = this.at.at(-1) ?? Date.now();
    const begin = Math.max(this.at[0] ?? end, end - KEPT_MS);
    return [Math.min(begin, end - SHOWN_MS_MIN), end];
  }

  /** A tenant's part of all service over the ten seconds before each row; null where there was none. */
  received(path) {
    const own = this.tenants.get(path) ?? NONE;
    let [mine, all] = [0, 0];
    return this.at.map((_, row) => {
      mine += own[row] ?? 0;
      all += this.units[row] ?? 0;
      if (row >= CHART_S) {
        mine -= own[row - CHART_S] ?? 0;
        all -= this.units[row - CHART_S] ?? 0;
      }
      return all > 0 ? Math.max(0, mine / all) : null;
    });
  }

  /** Its part of all service of the last so many seconds, and the part that it was due. */
  lately(path, seconds) {
    const [own, due] = [this.tenants.get(path) ?? NONE, this.dues.get(path) ?? NONE];
    let [mine, owed, all] = [0, 0, 0];
    for (let row = Math.max(0, this.at.length - seconds); row < this.at.length; row += 1) {
      mine += own[row] ?? 0;
      owed += due[row] ?? 0;
      all += this.units[row] ?? 0;
    }
    return all > 0 ? { received: Math.max(0, mine / all), due: owed / all } : { received: null, due: null };
  }

  #forget() {
    const begin = this.at.at(-1) - KEPT_MS;
    let old = 0;
    while (this.at[old] < begin) old += 1;
    if (old < FORGOTTEN_AT_ONCE) return;
    for (const column of [this.at, this.units, this.jain1s, this.jain5min, this.waiting]) column.splice(0, old);
    for (const columns of [this.lanes, this.inFlight, this.windows, this.tenants, this.dues]) {
      for (const column of columns.values()) column.splice(0, old);
    }
  }
}

const part = (ppm) => (typeof ppm === "number" ? ppm / 1e6 : null);
const due = (ppm, units) => (ppm === null || ppm === undefined || units === null ? null : (ppm * units) / 1e6);

function extend(columns, rows, told, nameOf, valueOf) {
  for (const each of told) {
    const name = nameOf(each);
    if (!columns.has(name)) columns.set(name, new Array(rows).fill(null));
    columns.get(name).push(valueOf(each));
  }
  for (const column of columns.values()) if (column.length === rows) column.push(null);
}
