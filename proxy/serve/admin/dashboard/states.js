// The states of a backend: what they are called is told by shape and word as well as by colour.

import { element, setAttribute, setText, svg } from "./dom.js";

export const SERVING = new Set(["ready", "full"]);
// Members and workers.
export const WELL = new Set(["running", "starting", "draining"]);
// Nobody needs to be told twice of what an operator has asked for.
export const ASKED_FOR = new Set(["draining", "disabled"]);

// Those of members and workers look like the one of backends that is as bad.
const LOOKS = new Set(["ready", "full", "unhealthy", "ejected", "draining", "disabled", "starting"]);

export function badge() {
  const use = svg("use");
  const word = element("span");
  const node = element("span", {}, svg("svg", { class: "icon", "aria-hidden": "true" }, use), word);
  const update = (state) => {
    const look = LOOKS.has(state) ? state : "unhealthy";
    setAttribute(node, "class", `badge ${look}`);
    setAttribute(use, "href", `#${look}`);
    setText(word, state);
  };
  return { node, update };
}
