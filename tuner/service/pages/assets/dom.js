// Elements: h() makes them, morph() brings what a page shows up to date and keeps focus, selection and scroll.

const SVG = new Set(["svg", "path", "line", "g", "text", "circle", "rect", "title"]);
const HANDLERS = ["onclick", "oninput", "onchange", "onsubmit", "onkeydown", "onpointermove", "onpointerleave"];

/** Make an element. Functions are handlers, `style` is a mapping, null and false leave an attribute or a child out. */
export function h(tag, attributes = {}, ...children) {
  const node = SVG.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node[name] = value;
    else if (name === "style") Object.assign(node.style, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return node;
}

/** Return the element with an id. */
export const at = (id) => document.getElementById(id);

/** Show these children in a place, and keep the nodes that did not change. */
export function show(place, ...children) {
  const wanted = h(place.tagName.toLowerCase(), {}, ...children);
  morphChildren(place, wanted);
}

function morphChildren(old, wanted) {
  const keyed = new Map([...old.children].filter((node) => node.dataset?.key).map((node) => [node.dataset.key, node]));
  let place = old.firstChild;
  for (const next of [...wanted.childNodes]) {
    let found = next.dataset?.key ? keyed.get(next.dataset.key) : place && !place.dataset?.key ? place : null;
    if (found && alike(found, next)) {
      if (found === place) place = place.nextSibling;
      else old.insertBefore(found, place);
      morph(found, next);
    } else old.insertBefore(next, place);
  }
  while (place) {
    const rest = place.nextSibling;
    place.remove();
    place = rest;
  }
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id ?? "") === (other.id ?? "");
}

function morph(old, wanted) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  if (wanted.dataset?.own !== undefined) return;  // it draws itself: a figure, an editor, a log
  for (const { name } of [...old.attributes]) {
    if (!wanted.hasAttribute(name) && !(name === "open" && old.tagName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of [...wanted.attributes]) {
    if (name === "style") old.style.cssText = wanted.style.cssText;  // the policy forbids the attribute
    else if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of HANDLERS) if (old[name] !== wanted[name]) old[name] = wanted[name];
  morphChildren(old, wanted);
}

/** Say a sentence to screen readers. */
export function announce(sentence) {
  at("announcer").textContent = sentence;
}

let hiding = null;

/** Show a short message at the foot of the window. */
export function toast(sentence) {
  const place = at("toast");
  place.textContent = sentence;
  place.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { place.hidden = true; }, 5000);
}
