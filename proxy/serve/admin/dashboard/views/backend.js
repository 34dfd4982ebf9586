// One backend: state and why, slots, requests a second, latency, answers, weight, the members of a group, buttons.

import { gauge, sparkline, stack, strip } from "../charts.js";
import { element, setAttribute, setText } from "../dom.js";
import { age, count, rate, seconds, share } from "../format.js";
import { classes, keyOf } from "../history.js";
import { ASKED_FOR, badge } from "../states.js";
import { isAlone, members } from "./members.js";

const QUANTILES = ["p50", "p90", "p99"];

export function backendRow(pool, address, history, actions) {
  const parts = [identity(), slots(), requests(), latency(), answers(), weight()];
  const [state, ...cells] = [parts[0].state, ...parts.flatMap((part) => part.cells)];
  const group = members();
  const buttons = controls(pool, address, actions);
  const node = element("div", { class: "row", role: "row", "data-address": address }, ...cells, buttons.node, group.node);
  const key = keyOf("backend", pool, address);
  const update = (row) => {
    for (const part of parts) part.update(row, key, history);
    group.update(row.backend.members);
    buttons.update(row);
  };
  return { node, update };
}

function cell(name, ...children) {
  return element("div", { class: `cell ${name}`, role: "cell" }, ...children);
}

function identity() {
  const state = badge();
  const name = element("strong");
  const why = element("span", { class: "quiet why" });
  const update = ({ backend, now }) => {
    state.update(backend.state);
    setText(name, backend.address);
    const since = backend.state === "ready" && !backend.reason ? "" : `for ${age(now - backend.since)}`;
    const times = backend.ejections ? `ejected ${backend.ejections}×` : "";
    const [only] = isAlone(backend.members) ? backend.members : [];
    const process = only?.pid ? `pid ${only.pid}${only.starts > 1 ? `, started ${only.starts}×` : ""}` : "";
    setText(why, [backend.reason, since, times, process].filter(Boolean).join(" · "));
    setAttribute(name, "title", backend.address);
  };
  return { cells: [cell("state", state.node), cell("who", name, why)], update };
}

function slots() {
  const bar = gauge("slots taken");
  const update = ({ backend, mostTaken }) => {
    const { taken, max_connections: limit, idle } = backend;
    bar.update(taken, limit || mostTaken, limit ? `${taken} of ${limit}` : count(taken), limit > 0);
    setAttribute(bar.node, "title", `${taken} slots taken${limit ? ` of ${limit}` : ""}, ${idle} idle connections`);
  };
  return { cells: [cell("slots", bar.node)], update };
}

function requests() {
  const number = element("strong");
  const chart = sparkline("requests a second, last two minutes");
  const update = ({ top }, key, history) => {
    setText(number, rate(history.rate(`${key}/picked`)));
    chart.update(history.series(`${key}/picked`), top);
  };
  return { cells: [cell("requests", number, chart.node)], update };
}

function latency() {
  const chart = strip();
  const numbers = QUANTILES.map(() => element("span"));
  const named = QUANTILES.map((name, index) => element("span", { class: "quantile" }, element("i", {}, `${name} `), numbers[index]));
  const text = element("span", { class: "numbers" }, ...named);
  const none = element("span", { class: "numbers quiet" }, "no answers in 10 s");
  const update = ({ backend }) => {
    const known = backend.latency.p50 === null ? null : backend.latency;
    chart.update(known);
    text.hidden = !known;
    none.hidden = Boolean(known);
    if (known) QUANTILES.forEach((name, index) => setText(numbers[index], seconds(known[name])));
  };
  return { cells: [cell("latency", chart.node, text, none)], update };
}

function answers() {
  const bar = stack("answers of the last two minutes");
  const text = element("span", { class: "numbers" });
  const update = (_, key, history) => {
    const recent = Object.keys(classes({})).map((name) => [name, history.recent(`${key}/status/${name}`)]);
    const all = recent.reduce((total, [, n]) => total + n, 0);
    const bad = recent.at(-1)[1];
    bar.update(recent.map(([name, n]) => [`s${name[0]}`, n, `${name}: ${count(n)}`]));
    setText(text, bad ? `${count(bad)} × 5xx, ${share(bad, all)}` : all ? "no 5xx" : "–");
    text.classList.toggle("bad", bad > 0);
  };
  return { cells: [cell("answers", bar.node, text)], update };
}

function weight() {
  const number = element("span");
  const now = element("span", { class: "quiet" });
  const update = ({ backend }) => {
    setText(number, String(backend.weight));
    const differs = backend.effective_weight !== backend.weight;
    setText(now, differs ? `now ${count(backend.effective_weight)}` : "");
  };
  return { cells: [cell("weight", number, now)], update };
}

function controls(pool, address, actions) {
  const button = (name, act) => {
    const made = element("button", { type: "button" }, name);
    made.addEventListener("click", act);
    return made;
  };
  let row = null;
  const drain = button("Drain", () => actions.drain(pool, address, row.ready === 1 && row.backend.state === "ready"));
  const enable = button("Enable", () => actions.enable(pool, address));
  const disable = button("Disable", () => actions.disable(pool, address, row.ready === 1 && row.backend.state === "ready"));
  const change = button("Weight", () => actions.weight(pool, address, row.backend.weight));
  const node = cell("controls for-operators", enable, drain, disable, change);
  const update = (next) => {
    row = next;
    const state = row.backend.state;
    enable.hidden = !ASKED_FOR.has(state);
    drain.hidden = ASKED_FOR.has(state);
    disable.hidden = state === "disabled";
  };
  return { node, update };
}
