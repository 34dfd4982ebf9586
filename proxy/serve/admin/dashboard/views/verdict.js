// The first thing read: is all well, and if not, what is not and why.

import { List, element, setAttribute, setText } from "../dom.js";
import { age } from "../format.js";
import { badge } from "../states.js";
import { survey } from "../survey.js";

const COLORS = { good: "#009e73", some: "#e69f00", dead: "#d55e00", lost: "#8a94a3" };

export function verdict(node) {
  const title = element("span");
  const asked = element("span", { class: "quiet" });
  node.querySelector("h2").replaceChildren(title, asked);
  const rows = element("ul");
  node.append(rows);
  let now = 0;
  const list = new List(rows, () => trouble(() => now));
  const update = (statistics) => {
    const found = survey(statistics);
    now = statistics.now;
    setAttribute(node, "class", `card verdict ${found.worst}`);
    setText(title, words(found));
    setText(asked, found.asked ? `${found.asked} drained or disabled by an operator` : "");
    list.update(found.trouble, ({ name, why }) => JSON.stringify([name, why]));
    mark(found.worst, found.trouble.length);
  };
  return { update };
}

function words({ ready, total, dead, worst }) {
  if (worst === "dead") return `Nothing serves ${dead.join(", ")}`;
  return ready === total ? `All ${total} backends take work` : `${ready} of ${total} backends take work`;
}

function trouble(now) {
  const badged = badge();
  const words = element("span", { class: "quiet" });
  const named = element("strong");
  const node = element("li", {}, badged.node, named, words);
  const update = ({ state, name, why, since }) => {
    badged.update(state);
    setText(named, name);
    setText(words, [why, since ? `for ${age(now() - since)}` : ""].filter(Boolean).join(" · "));
  };
  return { node, update };
}

// The tab tells it too.
export function mark(worst, troubled) {
  document.title = troubled ? `(${troubled}) rproxy` : worst === "lost" ? "– rproxy" : "rproxy";
  const shape = { good: "<circle cx='8' cy='8' r='6'/>", lost: "<path d='M2 7h12v2H2z'/>" }[worst] ?? "<path d='M8 1l7 13H1z'/>";
  const image = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='${COLORS[worst]}'>${shape}</svg>`;
  setAttribute(document.getElementById("icon"), "href", `data:image/svg+xml,${encodeURIComponent(image)}`);
}
