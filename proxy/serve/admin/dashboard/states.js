// The states of a backend: what they are called is told by shape and word as well as by colour.

import { element, setAttribute, setText, svg } from "./dom.js";

export const SERVING = new Set(["ready", "full"]);
// Nobody needs to be told twice of what an operator has asked for.
export const ASKED_FOR = new Set(["draining", "disabled"]);

export function badge() {
  const use = svg("use");
  const word = element("span");
  const node = element("span", {}, svg("svg", { class: "icon", "aria-hidden": "true" }, use), word);
  const update = (state) => {
    setAttribute(node, "class", `badge ${/^[a-z]+$/.test(state) ? state : ""}`);
    setAttribute(use, "href", `#${state}`);
    setText(word, state);
  };
  return { node, update };
}

// What most needs eyes of all pools: { ready, total, asked, trouble: [{ pool, backend }], worst: "good" | "some" | "dead" }.
export function survey(statistics) {
  const trouble = [];
  let [ready, total, asked, dead] = [0, 0, 0, false];
  for (const pool of statistics.pools) {
    const serving = pool.backends.filter((backend) => SERVING.has(backend.state));
    ready += serving.length;
    total += pool.backends.length;
    dead ||= serving.length === 0 && pool.backends.length > 0;
    for (const backend of pool.backends)
      if (ASKED_FOR.has(backend.state)) asked++;
      else if (!SERVING.has(backend.state)) trouble.push({ pool, backend });
  }
  return { ready, total, asked, trouble, worst: dead ? "dead" : trouble.length ? "some" : "good" };
}
