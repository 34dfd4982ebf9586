// What the counters did in the last two minutes. The page keeps it itself: the statistics tell totals only.

export const KEPT = 120; // points, of about a second each
const SMOOTH = 5; // points that a shown rate is the mean of; one alone jumps with the reports of workers

export class History {
  #last = null;
  #series = new Map();
  #buckets = new Map();

  // A snapshot as /api/events sends it. One of another process, or after a gap, begins anew where it must.
  add(statistics) {
    const elapsed = this.#last ? statistics.now - this.#last.now : 0;
    if (this.#last && elapsed <= 0 && this.#last.pid === statistics.pid) return;
    const counters = countersOf(statistics);
    const known = this.#last && this.#last.pid === statistics.pid ? this.#last.counters : new Map();
    for (const [key, value] of counters) {
      const before = known.get(key) ?? (this.#last ? 0 : undefined);
      const fresh = known.size === 0 || before === undefined || value < before;
      push(this.#series, key, fresh ? null : (value - before) / elapsed);
    }
    for (const key of this.#series.keys()) if (!counters.has(key)) this.#series.delete(key);
    for (const [key, histogram] of histogramsOf(statistics)) push(this.#buckets, key, histogram);
    this.#last = { now: statistics.now, pid: statistics.pid, counters };
  }

  // Per second, oldest first; null where it is not known.
  series(key) {
    return this.#series.get(key) ?? [];
  }

  // The mean of the last few seconds; null before the second snapshot.
  rate(key) {
    const points = this.series(key).slice(-SMOOTH).filter((point) => point !== null);
    return points.length ? points.reduce((sum, point) => sum + point) / points.length : null;
  }

  // How many within the last `KEPT` seconds, about.
  recent(key) {
    return Math.round(this.series(key).reduce((sum, point) => sum + (point ?? 0), 0));
  }

  // The times that were observed in the last ten seconds, as a histogram; null when there are none.
  recentTimes(key) {
    const kept = this.#buckets.get(key) ?? [];
    if (kept.length < 2) return null;
    return difference(kept[Math.max(0, kept.length - 11)], kept[kept.length - 1]);
  }
}

function push(map, key, value) {
  const points = map.get(key) ?? [];
  points.push(value);
  if (points.length > KEPT) points.shift();
  map.set(key, points);
}

function countersOf(statistics) {
  const found = new Map();
  const all = (prefix, words) => Object.entries(words).forEach(([word, n]) => found.set(`${prefix}/${word}`, n));
  for (const frontend of statistics.frontends) {
    const key = keyOf("frontend", frontend.name);
    for (const name of ["accepted", "exchanges", "bytes_in", "bytes_out"]) found.set(`${key}/${name}`, frontend[name]);
    all(`${key}/status`, classes(frontend.statuses));
    all(`${key}/reason`, frontend.reasons);
  }
  for (const pool of statistics.pools) {
    all(`${keyOf("pool", pool.name)}/retried`, pool.retried);
    for (const backend of pool.backends) {
      const key = keyOf("backend", pool.name, backend.address);
      found.set(`${key}/picked`, backend.picked);
      all(`${key}/status`, classes(backend.statuses));
      all(`${key}/failure`, backend.failures);
    }
  }
  for (const worker of statistics.workers) found.set(`${keyOf("worker", worker.number)}/exchanges`, worker.exchanges);
  return found;
}

function* histogramsOf(statistics) {
  for (const frontend of statistics.frontends)
    for (const [phase, histogram] of Object.entries(frontend.phases))
      yield [`${keyOf("frontend", frontend.name)}/phase/${phase}`, histogram];
}

// JSON, so that no name can end another's key.
export function keyOf(...names) {
  return JSON.stringify(names);
}

// { "2xx": 10, "5xx": 1 }
export function classes(statuses) {
  const found = { "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0 };
  for (const [status, n] of Object.entries(statuses)) {
    const name = status < "2" ? "2xx" : `${status[0]}xx`;
    found[name] = (found[name] ?? 0) + n;
  }
  return found;
}

function difference(older, newer) {
  if (newer.count < older.count) return newer;
  const counts = newer.counts.map((n, index) => n - older.counts[index]);
  return { bounds: newer.bounds, counts, sum: newer.sum - older.sum, count: newer.count - older.count };
}
