// What came of an action, at the edge of the page for a while.

import { element } from "./dom.js";

const SHOWN = 8000; // milliseconds

export function notice(text, isBad = false) {
  const node = element("div", { class: isBad ? "notice bad" : "notice" }, text);
  document.getElementById("notices").append(node);
  node.addEventListener("click", () => node.remove());
  setTimeout(() => node.remove(), isBad ? 2 * SHOWN : SHOWN);
}
