// The processes of a REUSEPORT group: the kernel shares connections out among them by a hash, so shares differ.

import { List, element, setText } from "../dom.js";
import { count, share } from "../format.js";
import { WELL } from "../states.js";

// A single process that is well needs no row: its pid stands with its backend.
export function isAlone(all) {
  return all.length === 1 && WELL.has(all[0].state);
}

export function members() {
  const node = element("div", { class: "members", role: "cell" });
  let total = 0;
  const list = new List(node, () => member(() => total));
  const update = (all) => {
    node.hidden = all.length === 0 || isAlone(all);
    total = all.reduce((sum, one) => sum + (one.connections ?? 0), 0);
    list.update(all, (one) => String(one.number));
  };
  return { node, update };
}

function member(total) {
  const fill = element("span", { class: "fill" });
  const name = element("span");
  const numbers = element("span", { class: "quiet" });
  const node = element("div", {}, element("div", { class: "gauge" }, fill), name, " ", numbers);
  const update = (one) => {
    const known = one.connections !== null;
    node.className = WELL.has(one.state) ? "member" : "member bad";
    fill.style.width = `${total() ? (100 * one.connections) / total() : 0}%`;
    setText(name, `#${one.number}${one.pid ? ` pid ${one.pid}` : ""}${one.state === "running" ? "" : ` ${one.state}`}`);
    setText(numbers, [
      known ? `${count(one.connections)} connections, ${share(one.connections, total())}` : "",
      one.starts > 1 ? `started ${one.starts}×` : "",
    ].filter(Boolean).join(" · "));
  };
  return { node, update };
}
