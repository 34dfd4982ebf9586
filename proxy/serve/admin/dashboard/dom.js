// Nodes are made once and changed in place, by text and attributes only: a name from a configuration is never markup.

const SVG = "http://www.w3.org/2000/svg";

export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// An unchanged text is not written again: 1,000 backends are mostly as they were a second ago.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// Keeps one child of `parent` for each item, in their order. `make(item)` gives { node, update(item) }.
export class List {
  #rows = new Map();

  constructor(parent, make) {
    this.parent = parent;
    this.make = make;
  }

  update(items, keyOf) {
    const gone = new Set(this.#rows.keys());
    let before = null;
    for (const item of items) {
      const key = keyOf(item);
      gone.delete(key);
      if (!this.#rows.has(key)) this.#rows.set(key, this.make(item));
      const row = this.#rows.get(key);
      row.update(item);
      const place = before ? before.nextSibling : this.parent.firstChild;
      if (place !== row.node) this.parent.insertBefore(row.node, place);
      before = row.node;
    }
    for (const key of gone) {
      this.#rows.get(key).node.remove();
      this.#rows.delete(key);
    }
  }
}
