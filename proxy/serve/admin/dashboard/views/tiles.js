// All frontends together, in six numbers with what they did in the last two minutes.

import { sparkline } from "../charts.js";
import { element, setText } from "../dom.js";
import { bytes, count, rate, seconds, share } from "../format.js";
import { keyOf } from "../history.js";
import { quantile, sum } from "../quantiles.js";

export function tiles(node, history) {
  const all = {
    requests: tile("Requests", "a second"),
    errors: tile("Errors", "", "bad"),
    latency: tile("Latency", "p50 of 10 s"),
    active: tile("Connections", "clients now"),
    waiting: tile("Waiting", "in queues"),
    traffic: tile("Sent", "a second"),
  };
  node.append(...Object.values(all).map((one) => one.node));
  const kept = { latency: [], active: [], waiting: [] };
  const remember = (name, value) => {
    kept[name].push(value);
    if (kept[name].length > 120) kept[name].shift();
    return kept[name];
  };
  const update = (statistics) => {
    const keys = statistics.frontends.map((frontend) => keyOf("frontend", frontend.name));
    const requests = together(keys.map((key) => `${key}/exchanges`), history);
    const errors = together(keys.map((key) => `${key}/status/5xx`), history);
    all.requests.update(rate(requests.rate), "a second", requests.series);
    all.errors.update(rate(errors.rate), `5xx a second, ${share(errors.rate, requests.rate)}`, errors.series);
    all.errors.node.classList.toggle("alarm", errors.rate > 0);
    const times = sum(keys.map((key) => history.recentTimes(`${key}/phase/total`)));
    const [half, most] = [quantile(times, 0.5), quantile(times, 0.99)];
    all.latency.update(seconds(half), `median; p99 ${seconds(most)}`, remember("latency", half));
    const active = statistics.frontends.reduce((total, frontend) => total + frontend.active, 0);
    all.active.update(count(active), "clients connected", remember("active", active));
    const waiting = statistics.pools.reduce((total, pool) => total + pool.waiting, 0);
    all.waiting.update(count(waiting), "in queues", remember("waiting", waiting));
    const sent = together(keys.map((key) => `${key}/bytes_out`), history);
    const received = together(keys.map((key) => `${key}/bytes_in`), history);
    all.traffic.update(bytes(sent.rate), `a second; received ${bytes(received.rate)}`, sent.series);
  };
  return { update };
}

function together(keys, history) {
  const rates = keys.map((key) => history.rate(key)).filter((one) => one !== null);
  const all = keys.map((key) => history.series(key)).filter((one) => one.length);
  const longest = Math.max(0, ...all.map((one) => one.length));
  const series = Array.from({ length: longest }, (_, index) => {
    const points = all.map((one) => one[index - longest + one.length] ?? null).filter((point) => point !== null);
    return points.length ? points.reduce((total, point) => total + point) : null;
  });
  return { rate: rates.length ? rates.reduce((total, one) => total + one) : null, series };
}

function tile(name, detail, kind = "") {
  const value = element("strong");
  const under = element("span", { class: "quiet" }, detail);
  const chart = sparkline(`${name} in the last two minutes`);
  const node = element("div", { class: `card tile ${kind}` }, element("h3", {}, name), value, under, chart.node);
  const update = (text, words, points) => {
    setText(value, text);
    setText(under, words);
    chart.update(points, Math.max(0, ...points));
  };
  return { node, update };
}
