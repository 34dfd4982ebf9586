// Small charts, drawn by hand as SVG. Each gives { node, update(...) }.

import { element, setAttribute, setText, svg } from "./dom.js";
import { KEPT } from "./history.js";

const HEIGHT = 24;

// The last two minutes; `top` is the value of its upper edge, so that neighbours can share a scale.
export function sparkline(label) {
  const area = svg("path", { class: "area" });
  const line = svg("path", { class: "line" });
  const shape = { viewBox: `0 0 ${KEPT} ${HEIGHT}`, preserveAspectRatio: "none" };
  const node = svg("svg", { class: "spark", role: "img", "aria-label": label, ...shape }, area, line);
  return { node, update: (points, top) => drawLine(area, line, points, top) };
}

function drawLine(area, line, points, top) {
  const steps = [];
  let first = null;
  points.forEach((point, index) => {
    if (point === null) return;
    const x = KEPT - points.length + index + 1;
    first ??= x;
    steps.push(`${x} ${(HEIGHT - 1 - (HEIGHT - 2) * Math.min(1, point / (top || 1))).toFixed(1)}`);
  });
  const path = steps.length > 1 ? `M${steps.join("L")}` : "";
  setAttribute(line, "d", path);
  setAttribute(area, "d", path && `${path}V${HEIGHT}H${first}Z`);
}

// Parts of a whole side by side: [[class, amount, title], …].
export function stack(label) {
  const node = element("div", { class: "stack", role: "img", "aria-label": label });
  return { node, update: (parts) => drawStack(node, label, parts) };
}

function drawStack(node, label, parts) {
  const shown = parts.filter(([, amount]) => amount > 0);
  const all = shown.reduce((sum, [, amount]) => sum + amount, 0);
  while (node.childElementCount > shown.length) node.lastChild.remove();
  while (node.childElementCount < shown.length) node.append(element("span"));
  shown.forEach(([name, amount, title], index) => {
    const part = node.children[index];
    setAttribute(part, "class", name);
    part.style.flexGrow = (100 * amount) / all; // by the object model: the policy of this page allows no style attribute in markup
    setAttribute(part, "title", title);
  });
  setAttribute(node, "aria-label", [label, ...shown.map((part) => part[2])].join(", "));
}

// A filled part of a length: slots, shares.
export function gauge(label) {
  const fill = element("span", { class: "fill" });
  const text = element("span", { class: "text" });
  const node = element("div", { class: "gauge", role: "img" }, fill, text);
  const update = (part, whole, words, isLimit) => {
    fill.style.width = `${whole > 0 ? Math.min(100, (100 * part) / whole) : 0}%`;
    node.classList.toggle("limit", isLimit);
    node.classList.toggle("at-limit", isLimit && part >= whole);
    setText(text, words);
    setAttribute(node, "aria-label", `${label}: ${words}`);
  };
  return { node, update };
}

const FAST = 1e-4; // seconds at the left end of the strip
const DECADES = 5; // up to 10 s at its right end

// Where a time stands on the strip, in percent; the scale is logarithmic.
export function place(seconds) {
  return 100 * Math.min(1, Math.max(0, Math.log10(Math.max(seconds, FAST) / FAST) / DECADES));
}

// The span from p50 to p99 with a mark at p90. All strips have one scale, so that they compare at a glance.
export function strip() {
  const span = element("span", { class: "span" });
  const marks = ["p50", "p90", "p99"].map((name) => element("span", { class: `mark ${name}` }));
  const grid = [1, 2, 3, 4].map((decade) => {
    const line = element("span", { class: "grid" });
    line.style.left = `${(100 * decade) / DECADES}%`;
    return line;
  });
  const node = element("div", { class: "strip", "aria-hidden": "true" }, ...grid, span, ...marks);
  const update = (latency) => {
    node.classList.toggle("empty", !latency);
    if (!latency) return;
    const [low, middle, high] = [latency.p50, latency.p90, latency.p99].map(place);
    span.style.left = `${low}%`;
    span.style.width = `${Math.max(0.5, high - low)}%`;
    [low, middle, high].forEach((left, index) => (marks[index].style.left = `${left}%`));
  };
  return { node, update };
}
