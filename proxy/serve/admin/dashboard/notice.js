// What came of an action, at the edge of the page: for a while, or until it is clicked when it was refused.

import { element } from "./dom.js";

const SHOWN = 8000; // milliseconds

export function notice(text, isBad = false) {
  const node = element("div", { class: `notice${isBad ? " bad" : ""}${text.includes("\n") ? " long" : ""}` }, text);
  document.getElementById("notices").append(node);
  node.addEventListener("click", () => node.remove());
  if (!isBad) setTimeout(() => node.remove(), SHOWN);
}
