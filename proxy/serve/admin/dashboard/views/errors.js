// Why exchanges ended otherwise than well: phase/reason, as in the log and on the error pages.

import { sparkline } from "../charts.js";
import { List, element, setAttribute, setText } from "../dom.js";
import { count } from "../format.js";
import { keyOf } from "../history.js";

const PHASES = {
  accept: "taking the connection", admit: "letting the client in", read: "reading the request",
  parse: "understanding what came", route: "finding the pool", pick: "choosing a backend",
  dial: "connecting to the backend", write: "writing the request or the answer", answer: "waiting for the answer",
  tunnel: "passing bytes both ways",
};

export function errors(node, history) {
  const body = element("div", { class: "entries" });
  const none = element("p", { class: "quiet" }, "None so far.");
  node.append(none, body);
  const list = new List(body, () => entry(history));
  const update = (statistics) => {
    const rows = gather(statistics, history);
    node.hidden = false;
    none.hidden = rows.length > 0;
    list.update(rows, (row) => row.reason);
  };
  return { update };
}

// By reason over all frontends: those of the last two minutes first.
function gather(statistics, history) {
  const found = new Map();
  for (const frontend of statistics.frontends)
    for (const [reason, total] of Object.entries(frontend.reasons)) {
      if (reason === "ok" || !total) continue;
      const row = found.get(reason) ?? { reason, total: 0, recent: 0, keys: [], names: [] };
      const key = `${keyOf("frontend", frontend.name)}/reason/${reason}`;
      row.total += total;
      row.recent += history.recent(key);
      row.keys.push(key);
      row.names.push(frontend.name);
      found.set(reason, row);
    }
  return [...found.values()].sort((a, b) => b.recent - a.recent || b.total - a.total);
}

function entry(history) {
  const name = element("strong");
  const words = element("span", { class: "quiet" });
  const number = element("span", { class: "amount" });
  const chart = sparkline("errors a second, last two minutes");
  const node = element("div", { class: "error" }, element("div", {}, name, words), chart.node, number);
  const update = (row) => {
    setText(name, row.reason);
    setText(words, `${PHASES[row.reason.split("/")[0]] ?? ""}; ${row.names.join(", ")}`);
    setText(number, `${count(row.recent)} in 2 min, ${count(row.total)} in all`);
    setAttribute(node, "class", row.recent ? "error recent" : "error");
    const all = row.keys.map((key) => history.series(key));
    const points = (all[0] ?? []).map((_, index) => all.reduce((sum, one) => sum + (one[index] ?? 0), 0));
    chart.update(points, Math.max(1, ...points));
  };
  return { node, update };
}
