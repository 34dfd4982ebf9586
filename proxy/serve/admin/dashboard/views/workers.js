// The processes of the data plane, and how evenly the kernel shares the work out among them.

import { List, element, setText } from "../dom.js";
import { age, count, rate, share } from "../format.js";
import { keyOf } from "../history.js";
import { WELL } from "../states.js";

export function workers(node, history) {
  const fairness = element("span", { class: "quiet" });
  const body = element("div", { class: "entries" });
  node.querySelector("h2").append(" ", fairness);
  node.append(body);
  let [total, now] = [0, 0];
  const list = new List(body, () => entry(history, () => total, () => now));
  const update = (statistics) => {
    node.hidden = statistics.workers.length === 0;
    now = statistics.now;
    const rates = statistics.workers.map((worker) => history.rate(`${keyOf("worker", worker.number)}/exchanges`) ?? 0);
    total = rates.reduce((sum, one) => sum + one, 0);
    setText(fairness, rates.length > 1 && total ? `fairness ${jain(rates).toFixed(2)} of 1` : "");
    list.update(statistics.workers, (worker) => String(worker.number));
  };
  return { update };
}

// 1: all do the same; 1/n: one does all. Jain, Chiu and Hawe, 1984.
export function jain(rates) {
  const sum = rates.reduce((total, one) => total + one, 0);
  const squares = rates.reduce((total, one) => total + one * one, 0);
  return squares ? (sum * sum) / (rates.length * squares) : 1;
}

function entry(history, total, now) {
  const fill = element("span", { class: "fill" });
  const name = element("span");
  const numbers = element("span", { class: "quiet" });
  const node = element("div", {}, element("div", { class: "gauge" }, fill), name, " ", numbers);
  const update = (worker) => {
    const done = history.rate(`${keyOf("worker", worker.number)}/exchanges`);
    node.className = WELL.has(worker.state) ? "member" : "member bad";
    fill.style.width = `${total() ? (100 * (done ?? 0)) / total() : 0}%`;
    setText(name, `#${worker.number} pid ${worker.pid}${worker.state === "running" ? "" : ` ${worker.state}`}`);
    setText(numbers, [
      `${rate(done)}/s, ${share(done ?? 0, total())}`,
      `${count(worker.active)} connections`,
      `up ${age(now() - worker.since)}`,
      worker.starts > 1 ? `started ${worker.starts}×` : "",
      worker.heartbeat_age > 1 ? `silent for ${age(worker.heartbeat_age)}` : "",
    ].filter(Boolean).join(" · "));
  };
  return { node, update };
}
