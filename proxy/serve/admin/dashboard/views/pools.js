// A card for each pool: its queue and retries, and a row for each backend.

import { place } from "../charts.js";
import { List, element, setText } from "../dom.js";
import { count } from "../format.js";
import { keyOf } from "../history.js";
import { backendRow } from "./backend.js";

const HEADS = ["State", "Backend", "Slots", "Requests/s", "Latency p50 · p90 · p99", "Answers", "Weight", ""];
const MANY = 20; // backends from which on they can be filtered
const TICKS = [["1 ms", 0.001], ["10", 0.01], ["100", 0.1], ["1 s", 1]];

export function pools(node, history, actions) {
  const list = new List(node, (pool) => card(pool, history, actions));
  return { update: (statistics) => list.update(statistics.pools.map((pool) => ({ ...pool, now: statistics.now })), (pool) => pool.name) };
}

function card(pool, history, actions) {
  const about = element("span", { class: "quiet" });
  const queue = element("span", { class: "pill" });
  const body = element("div", { role: "rowgroup" });
  const filter = element("input", { type: "search", placeholder: "filter", "aria-label": `filter backends of ${pool.name}` });
  const table = element("div", { class: "table", role: "table", "aria-label": `backends of ${pool.name}` }, heads(), body);
  const node = element("article", { class: "card pool" }, element("h2", {}, pool.name, " ", about, queue, filter), table);
  filter.addEventListener("input", () => update(last));
  let last = pool;
  const list = new List(body, (backend) => backendRow(pool.name, backend.address, history, actions));
  const update = (pool) => {
    last = pool;
    const isMany = pool.backends.length > MANY;
    filter.hidden = !isMany;
    node.classList.toggle("many", isMany);
    setText(about, describe(pool));
    setText(queue, `${count(pool.waiting)} waiting of ${count(pool.queue_limit)}`);
    queue.hidden = pool.waiting === 0;
    const series = pool.backends.map((backend) => history.series(`${keyOf("backend", pool.name, backend.address)}/picked`));
    const shared = {
      now: pool.now,
      top: Math.max(1, ...series.flat()),
      mostTaken: Math.max(1, ...pool.backends.map((backend) => backend.taken)),
      ready: pool.backends.filter((backend) => backend.state === "ready").length,
    };
    const shown = pool.backends.filter((backend) => !isMany || matches(backend, filter.value));
    list.update(shown.map((backend) => ({ backend, ...shared, address: backend.address })), (row) => row.address);
  };
  return { node, update };
}

// By any part of its address, state or reason: "unhealthy", "10.1.".
function matches(backend, wanted) {
  return [backend.address, backend.state, backend.reason].some((text) => text.includes(wanted.trim()));
}

function describe(pool) {
  const retried = Object.values(pool.retried).reduce((total, n) => total + n, 0);
  return [pool.balance, retried ? `${count(retried)} tried again` : ""].filter(Boolean).join(", ");
}

function heads() {
  const cells = HEADS.map((name) => element("span", { role: "columnheader" }, name));
  cells[4].append(axis());
  return element("div", { class: "row heads", role: "row" }, ...cells);
}

function axis() {
  const node = element("span", { class: "axis", "aria-hidden": "true" });
  for (const [name, seconds] of TICKS) {
    const tick = element("span", {}, name);
    tick.style.left = `${place(seconds)}%`;
    node.append(tick);
  }
  return node;
}
