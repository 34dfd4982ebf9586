// Each frontend: where it listens, what comes in, what went out, and in which phase the time goes.

import { sparkline, stack } from "../charts.js";
import { List, element, setText } from "../dom.js";
import { bytes, count, rate, seconds } from "../format.js";
import { classes, keyOf } from "../history.js";
import { quantile } from "../quantiles.js";

const PHASES = ["read", "pick", "dial", "write", "answer", "body", "tunnel"];

export function frontends(node, history) {
  const body = element("div", { class: "entries" });
  node.append(body);
  const list = new List(body, (frontend) => entry(frontend, history));
  const update = (statistics) => {
    node.hidden = statistics.frontends.length === 0;
    list.update(statistics.frontends, (frontend) => frontend.name);
  };
  return { update };
}

function entry(frontend, history) {
  const key = keyOf("frontend", frontend.name);
  const listens = element("span", { class: "quiet" });
  const numbers = element("p");
  const chart = sparkline("requests a second, last two minutes");
  const answers = stack("answers of the last two minutes");
  const time = stack("time by phase, last ten seconds");
  const legend = element("p", { class: "legend" });
  const list = new List(legend, () => phaseWords());
  const node = element("article", { class: "entry" },
    element("h3", {}, frontend.name, " ", listens), chart.node, numbers, answers.node, time.node, legend);
  answers.node.hidden = frontend.mode === "tcp";
  const update = (frontend) => {
    setText(listens, `${frontend.mode} ${frontend.addresses.join(", ")}`);
    const series = history.series(`${key}/exchanges`);
    chart.update(series, Math.max(1, ...series));
    setText(numbers, summary(frontend, key, history));
    answers.update(Object.keys(classes({})).map((name) => {
      const n = history.recent(`${key}/status/${name}`);
      return [`s${name[0]}`, n, `${name}: ${count(n)}`];
    }));
    const spent = phases(key, history);
    time.update(spent);
    list.update(spent.filter(([, mean]) => mean > 0), (part) => part[0]);
  };
  return { node, update };
}

function summary(frontend, key, history) {
  const total = history.recentTimes(`${key}/phase/total`);
  return [
    `${rate(history.rate(`${key}/exchanges`))} ${frontend.mode === "tcp" ? "sessions" : "requests"}/s`,
    `${count(frontend.active)} connections`,
    `p50 ${seconds(quantile(total, 0.5))}, p99 ${seconds(quantile(total, 0.99))}`,
    `${bytes(history.rate(`${key}/bytes_out`))}/s out`,
  ].join(" · ");
}

// Mean seconds of an exchange by phase, as parts of a stack.
function phases(key, history) {
  return PHASES.map((phase) => {
    const times = history.recentTimes(`${key}/phase/${phase}`);
    const mean = times?.count ? times.sum / times.count : 0;
    return [`phase ${phase}`, mean, `${phase} ${seconds(mean)}`];
  });
}

function phaseWords() {
  const color = element("i");
  const words = element("span");
  const update = ([name, , text]) => {
    color.className = name;
    setText(words, text);
  };
  return { node: element("span", {}, color, words), update };
}
