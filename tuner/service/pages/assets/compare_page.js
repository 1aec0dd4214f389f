// Compare: the answers, courses and settings of some studies side by side.

import { get, path } from "./api.js";
import { at, h, show } from "./dom.js";
import { between, duration, listed, rounded, valueText } from "./format.js";
import { alert, cell, empty, progress, state, studyHref } from "./parts.js";
import { Curves } from "./charts.js";

const MOST = 6;
const chosen = new URLSearchParams(location.search).getAll("study");
const figure = new Curves(300);

async function choices() {
  const { items } = await get("/studies", { limit: 200 });
  const left = items.map((each) => each.name).filter((each) => !chosen.includes(each));
  show(at("others"), left.map((each) => h("option", { value: each })));
}

function go() {
  location.assign(`/compare?${new URLSearchParams(chosen.map((each) => ["study", each]))}`);
}

at("choose").onsubmit = (event) => {
  event.preventDefault();
  const added = event.target.elements.study.value.trim();
  if (!added || chosen.includes(added) || chosen.length >= MOST) return;
  chosen.push(added);
  go();
};

function drop(name) {
  chosen.splice(chosen.indexOf(name), 1);
  go();
}

async function load() {
  if (!chosen.length) return show(at("verdict"), empty("No study chosen", "Choose two studies or more. Their best values, courses and settings appear side by side."));
  try {
    const studies = await Promise.all(chosen.map((name) => get(`/studies${path(name)}`)));
    const courses = await Promise.all(chosen.map((name) => get(`/studies${path(name)}/course`)));
    render(studies, courses);
  } catch (error) {
    show(at("verdict"), alert(error));
  }
}

function render(studies, courses) {
  const metric = studies[0].metrics[0];
  const alike = studies.every((each) => each.metrics.length === 1 && each.metrics[0].name === metric.name && each.metrics[0].direction === metric.direction);
  const found = (each) => each.best?.value ?? null;
  const confirmed = (each) => each.answer?.low != null;
  const ended = studies.filter((each) => found(each) !== null);
  const values = ended.every(confirmed) ? (each) => each.answer?.value ?? null : found;  // a mean and a maximum do not compare
  const ranked = ended.sort((one, other) => (metric.direction === "minimize" ? 1 : -1) * (values(one) - values(other)));
  show(at("verdict"), h("div", { class: "answer" }, verdict(alike, metric, ranked, values, confirmed)), h("table", { class: "cards" },
    h("thead", {}, h("tr", {}, ["Study", "State", "Best of the search", "Confirmed mean", "Trials", "Time", ""].map((each) => h("th", { scope: "col", class: each.startsWith("Best") ? "number" : null }, each || h("span", { class: "unseen" }, "Remove"))))),
    h("tbody", {}, studies.map((each) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: studyHref(each.name) }, each.name)), cell("State", state(each.state)),
      cell("Best of the search", rounded(found(each)), { class: "number" }),
      cell("Confirmed mean", confirmed(each) ? `${rounded(each.answer.value)} (95 % interval ${rounded(each.answer.low)} to ${rounded(each.answer.high)})` : "not confirmed"),
      cell("Trials", progress(each.trials, each.state), { class: "progress" }), cell("Time", duration(between(each.started, each.ended))),
      h("td", {}, h("button", { type: "button", class: "link", "aria-label": `Remove ${each.name}`, onclick: () => drop(each.name) }, "Remove")))))));
  if (alike) {
    const lines = courses.map((each, i) => ({ name: chosen[i], epochs: each.number.map((_, place) => place + 1), values: each.best }));
    at("courses-card").hidden = !figure.update(lines, metric.title, metric.direction, "trials");
    at("courses").replaceChildren(figure.element, figure.legend);
  }
  const names = [...new Set(studies.flatMap((each) => Object.keys(each.best?.params ?? {})))];
  at("configs-card").hidden = !names.length;
  show(at("configs"), h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Parameter"), studies.map((each) => h("th", { scope: "col" }, each.name)))),
    h("tbody", {}, names.map((name) => h("tr", {}, h("th", { scope: "row" }, name), studies.map((each) => h("td", {}, name in (each.best?.params ?? {}) ? valueText(each.best.params[name]) : "–")))))));
}

function verdict(alike, metric, ranked, values, confirmed) {
  if (!alike) return h("p", { class: "sure" }, "These studies have different objectives, so their values do not compare.");
  if (ranked.length < 2) return h("p", { class: "sure" }, "A comparison needs two studies with a complete trial.");
  const [first, second] = ranked;
  const apart = Math.abs(values(first) - values(second));
  const unsure = ranked.filter((each) => !confirmed(each)).map((each) => each.name);
  const overlap = first.answer?.low <= second.answer?.high && second.answer?.low <= first.answer?.high;
  const how = unsure.length ? `Each value is the best of a search, so it is optimistic. Confirm ${listed(unsure)} to learn how sure this is.`
    : `Each value is the mean of a confirmation. ${overlap ? "Their 95 % intervals overlap, so the difference may be luck." : "Their 95 % intervals do not overlap."}`;
  return [h("p", { class: "label" }, `${unsure.length ? "Best" : "Confirmed"} ${metric.title}`), h("p", { class: "value" }, rounded(values(first)), " ", h("small", {}, first.name)),
    h("p", { class: "sure" }, apart ? `It is ${rounded(apart)} better than ${second.name}. ${how}` : `${second.name} has the same value. ${how}`)];
}

choices();
load();
