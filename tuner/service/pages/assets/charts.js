// Figures as small SVG: a sparkline, the history of a study, learning curves. One path draws ten thousand points.

import { h } from "./dom.js";
import { rounded } from "./format.js";

const LINES = [0, 1, 2, 3, 4, 5].map((i) => `var(--series-${i})`);
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "12 4", "12 4 2 4"];
const MARGIN = { left: 44, right: 14, top: 10, bottom: 34 };

const real = (value) => value !== null && value !== undefined && Number.isFinite(value);

/** Return a small line of values, without axes. */
export function sparkline(values, sentence) {
  const known = values.filter(real);
  if (known.length < 2) return h("span", { class: "soft small" }, "");
  const [width, height] = [120, 30];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (i) => 2 + (i / (values.length - 1)) * (width - 8);
  const y = (value) => height - 4 - ((value - low) / (high - low || 1)) * (height - 8);
  const points = values.map((value, i) => (real(value) ? [x(i), y(value)] : null)).filter(Boolean);
  const [endX, endY] = points.at(-1);
  return h("span", { class: "spark" }, h("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": sentence },
    h("path", { d: path(points), fill: "none", stroke: "var(--accent)", "stroke-width": 1.5, "stroke-linejoin": "round" }),
    h("circle", { cx: endX, cy: endY, r: 2.5, fill: "var(--accent)" })));
}

function path(points) {
  return points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

function steps(points) {
  return points.map(([x, y], i) => (i ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `M${x.toFixed(1)} ${y.toFixed(1)}`)).join("");
}

function dots(points) {
  return points.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h.01`).join("");
}

/** Return round numbers of a range, about `count` of them. */
export function ticks(low, high, count) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const inside = (step) => Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1;
  const step = [10, 5, 2, 1].map((each) => each * power).find((each) => inside(each) >= Math.max(2, 0.6 * count)) ?? power;
  const first = Math.ceil(low / step - 1e-9);
  const found = [];
  for (let i = first; i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** Return the range of the values that a figure shows: outliers on the bad side are left out. */
function frame(values, direction) {
  const known = values.filter(real).sort((a, b) => a - b);
  if (!known.length) return null;
  let low = known[0];
  let high = known.at(-1);
  const spread = known[Math.floor(known.length * 0.9)] - known[Math.floor(known.length * 0.1)];
  if (known.length > 9 && spread > 0) {
    if (direction === "minimize") high = Math.min(high, known[Math.floor(known.length * 0.9)] + spread / 2);
    else low = Math.max(low, known[Math.floor(known.length * 0.1)] - spread / 2);
  }
  const margin = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - margin, high + margin];
}

/**
 * A figure with axes, drawn to the width of its place and drawn again when that changes.
 *
 * `draw` returns `{xs, ys, marks, points}` for scales of x and y; `points` are what the pointer can name.
 */
class Figure {
  constructor(label, height) {
    this.height = height;
    this.tip = h("div", { class: "tip", hidden: true });
    this.svg = h("svg", { role: "img", "aria-label": label, height });
    this.element = h("div", { class: "figure", "data-own": true, onpointermove: (event) => this.point(event), onpointerleave: () => { this.tip.hidden = true; } }, this.svg, this.tip);
    this.points = [];
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  set(content) {
    this.content = content;
    this.svg.setAttribute("aria-label", content.label);
    this.draw();
  }

  draw() {
    const width = this.element.clientWidth;
    if (!width || !this.content) return;
    const { xRange, yRange, xTitle, marks } = this.content;
    const x = (value) => MARGIN.left + ((value - xRange[0]) / (xRange[1] - xRange[0] || 1)) * (width - MARGIN.left - MARGIN.right);
    const bottom = this.height - MARGIN.bottom;
    const y = (value) => bottom - ((value - yRange[0]) / (yRange[1] - yRange[0] || 1)) * (bottom - MARGIN.top);
    const across = ticks(...xRange, Math.max(2, width / 110)).filter(Number.isInteger);
    const up = ticks(...yRange, 4);
    const drawn = marks(x, y, { top: MARGIN.top, bottom });
    this.points = drawn.points;
    this.svg.replaceChildren(
      ...up.map((value) => h("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) })),
      ...up.map((value) => h("text", { x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, rounded(value))),
      ...across.map((value) => h("text", { x: x(value), y: bottom + 17, "text-anchor": "middle" }, String(value))),
      h("text", { x: width - MARGIN.right, y: this.height - 2, "text-anchor": "end" }, xTitle),
      ...drawn.nodes,
    );
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let nearest = null;
    let least = 30 ** 2;
    for (const each of this.points) {
      const distance = (each.x - x) ** 2 + (each.y - y) ** 2;
      if (distance < least) [nearest, least] = [each, distance];
    }
    this.tip.hidden = nearest === null;
    if (nearest === null) return;
    this.tip.textContent = nearest.text;
    const half = this.tip.offsetWidth / 2;
    this.tip.style.left = `${Math.min(Math.max(nearest.x, half), box.width - half)}px`;
    this.tip.style.top = `${Math.max(nearest.y, 30)}px`;
  }
}

const sound = (state) => state === "complete";

/** The values of all ended trials and the best so far. */
export class History extends Figure {
  constructor() {
    super("Values of the trials", 250);
    this.legend = h("ul", { class: "legend" },
      h("li", {}, mark({ stroke: "var(--accent)", "stroke-width": 7 }, "M11 5h.01"), "complete"),
      h("li", {}, mark({ stroke: "var(--soft)", "stroke-width": 5, opacity: 0.55 }, "M11 5h.01"), "ended early"),
      h("li", {}, mark({ stroke: "var(--ink)", "stroke-width": 1.5 }, "M0 5H22"), "best so far"));
    this.outside = h("li", { class: "soft" });
    this.legend.append(this.outside);
  }

  update(course, objective, metric) {
    const values = course.values[objective] ?? [];
    const yRange = frame(values, metric.direction);
    if (yRange === null) return false;
    const left = new Set(course.ignored);
    const inside = (value) => Math.min(Math.max(value, yRange[0]), yRange[1]);
    const all = course.number.map((number, i) => ({ number, state: course.state[i], value: values[i] })).filter((each) => real(each.value));
    const beyond = all.filter(({ value }) => value !== inside(value)).length;
    this.outside.textContent = beyond ? `${beyond} of ${all.length} lie outside the figure` : "";
    const best = all.reduce((found, each) => (sound(each.state) && !left.has(each.number) && (!found || better(each.value, found.value, metric.direction)) ? each : found), null);
    this.set({
      label: best ? `${metric.title} of ${all.length} trials. The best is ${rounded(best.value)}, of trial ${best.number}.` : `${metric.title} of ${all.length} trials.`,
      xRange: [Math.min(...[course.number[0] ?? 0]), Math.max(course.number.reduce((most, each) => Math.max(most, each), 1), 1)],
      yRange, xTitle: "trial",
      marks: (x, y) => {
        const placed = all.map((each) => ({ x: x(each.number), y: y(inside(each.value)), good: sound(each.state) && !left.has(each.number), text: `trial ${each.number}: ${rounded(each.value)}, ${left.has(each.number) ? "ignored" : each.state}` }));
        const points = (good) => placed.filter((each) => each.good === good).map((each) => [each.x, each.y]);
        const line = course.number.map((number, i) => [number, course.best[i]]).filter(([, value]) => real(value)).map(([number, value]) => [x(number), y(inside(value))]);
        const size = all.length > 2000 ? 3 : all.length > 300 ? 4.5 : 7;
        return { points: placed, nodes: [
          h("path", { d: dots(points(false)), stroke: "var(--soft)", "stroke-width": size - 1.5, "stroke-linecap": "round", opacity: 0.5 }),
          h("path", { d: dots(points(true)), stroke: "var(--accent)", "stroke-width": size, "stroke-linecap": "round", opacity: 0.85 }),
          objective === 0 ? h("path", { d: steps(line), fill: "none", stroke: "var(--ink)", "stroke-width": 1.5 }) : h("g"),
          best ? h("circle", { cx: x(best.number), cy: y(inside(best.value)), r: 6, fill: "none", stroke: "var(--ink)", "stroke-width": 2 }) : h("g"),
        ] };
      },
    });
    return true;
  }
}

function better(one, other, direction) {
  return direction === "minimize" ? one < other : one > other;
}

function mark(attributes, d) {
  return h("svg", { viewBox: "0 0 22 10", "aria-hidden": "true" }, h("path", { d, fill: "none", "stroke-linecap": "round", ...attributes }));
}

/** Learning curves: one line for each of `{name, epochs, values, quiet}`. */
export class Curves extends Figure {
  constructor(height = 250) {
    super("Learning curves", height);
    this.legend = h("ul", { class: "legend" });
  }

  update(lines, title, direction, across = "epoch") {
    const known = lines.filter(({ values }) => values.some(real));
    const yRange = frame(known.flatMap(({ values }) => values), direction);
    if (yRange === null) return false;
    const last = Math.max(...known.map(({ epochs }) => epochs.at(-1) ?? 1));
    let turn = 0;
    const styled = known.map((line) => ({ ...line, style: line.quiet ? { stroke: "var(--soft)", "stroke-width": 1.5, opacity: 0.7, "stroke-dasharray": "2 3" } : { stroke: LINES[turn % LINES.length], "stroke-width": 2, "stroke-dasharray": DASHES[turn++ % DASHES.length] } }));
    this.legend.replaceChildren(...styled.map((line) => h("li", {}, mark(line.style, "M1 5H21"), line.name)));
    this.set({
      label: `${title} by ${across}. ${known.map(({ name, values }) => `${name}: ${rounded(values.filter(real).at(-1))}`).join(", ")}.`,
      xRange: [1, Math.max(last, 2)], yRange, xTitle: across,
      marks: (x, y) => {
        const inside = (value) => Math.min(Math.max(value, yRange[0]), yRange[1]);
        const placed = styled.map((line) => ({ ...line, points: line.epochs.map((epoch, i) => ({ epoch, value: line.values[i] })).filter(({ value }) => real(value)).map(({ epoch, value }) => ({ x: x(epoch), y: y(inside(value)), text: `${line.name}, ${across} ${epoch}: ${rounded(value)}` })) }));
        return {
          points: placed.flatMap(({ points }) => points),
          nodes: placed.flatMap(({ points, style }) => [
            h("path", { d: path(points.map((each) => [each.x, each.y])), fill: "none", "stroke-linejoin": "round", ...style }),
            points.length ? h("circle", { cx: points.at(-1).x, cy: points.at(-1).y, r: 3.5, fill: style.stroke }) : h("g"),
          ]),
        };
      },
    });
    return true;
  }
}
