// What changed, newest first: each change of a state once.

import { List, element, setText } from "../dom.js";
import { age, clock } from "../format.js";

const SHOWN = 30;

export function events(node) {
  const body = element("ol", { class: "events" });
  const none = element("p", { class: "quiet" }, "Nothing has changed since the start.");
  node.append(none, body);
  let now = 0;
  const list = new List(body, () => entry(() => now));
  const update = (statistics) => {
    now = statistics.now;
    node.hidden = false;
    none.hidden = statistics.events.length > 0;
    const newest = statistics.events.slice(-SHOWN).reverse();
    list.update(newest, (event) => JSON.stringify([event.at, event.text]));
  };
  return { update };
}

function entry(now) {
  const when = element("time", { class: "quiet" });
  const level = element("span", { class: "level" });
  const text = element("span");
  const node = element("li", {}, when, level, text);
  const update = (event) => {
    setText(when, `${age(now() - event.at)}\u00a0ago`);
    when.title = clock(event.at);
    node.className = ["info", "warning", "error"].includes(event.level) ? event.level : "";
    setText(level, event.level);
    setText(text, event.text);
  };
  return { node, update };
}
