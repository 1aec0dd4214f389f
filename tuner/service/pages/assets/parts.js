// Parts that several pages show: states, progress, fields of a config, tables, empty places.

import { h } from "./dom.js";
import { amount, rounded, sentence, valueText } from "./format.js";

const OF_THE_SEARCH = new Set(["search", "objective", "study", "provenance"]);

export const studyHref = (name) => `/studies/${encodeURIComponent(name)}`;
export const trialHref = (name, number) => `${studyHref(name)}/trials/${number}`;

/** A state as a word with its shape and colour. */
export function state(name, said = name) {
  return h("span", { class: `state ${name.replaceAll(" ", "-")}` }, said);
}

/** How far a study is. */
export function progress(trials, jobState) {
  const part = trials.total ? Math.min(1, trials.ended / trials.total) : 0;
  return [
    h("div", { class: `meter ${jobState}`, role: "progressbar", "aria-valuenow": trials.ended, "aria-valuemax": trials.total, "aria-label": "Trials" }, h("i", { style: { width: `${part * 100}%` } })),
    h("span", { class: "small number" }, `${trials.ended.toLocaleString("en")} of ${amount(trials.total, "trial")}`),
  ];
}

/** The values of a config by their paths. */
export function flat(config, prefix = "") {
  if (config === null || typeof config !== "object" || (Array.isArray(config) && config.every((each) => typeof each !== "object"))) return [[prefix, config]];
  const entries = Object.entries(config);
  return entries.length ? entries.flatMap(([name, value]) => flat(value, prefix ? `${prefix}.${name}` : name)) : [[prefix, config]];
}

/** What a trial trains: the values of a config that are set, without those of the search. */
export function trained(config) {
  return flat(config).filter(([name, value]) => value !== null && !OF_THE_SEARCH.has(name.split(".")[0]));
}

/** Names with values, in columns. */
export function params(pairs, differing = new Set()) {
  return h("ul", { class: "params" }, pairs.map(([name, value]) => h("li", { class: differing.has(name) ? "differs" : null }, h("span", {}, name), h("span", {}, valueText(value)))));
}

/** A fact with a small remark. */
export function fact(name, value, small = "") {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value, small ? h("small", {}, small) : ""));
}

/** What stands where nothing is yet, with the next step. */
export function empty(title, text, action = null) {
  return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text), action);
}

/** A cell of a table that becomes a card on a phone. */
export function cell(label, content, attributes = {}) {
  return h("td", { "data-label": label, ...attributes }, Array.isArray(content) ? h("div", { class: "whole" }, content) : content);
}

/** A best value with its sign. */
export function bestText(study) {
  if (study.best) return rounded(study.best.value);
  return study.front.length ? `${study.front.length} on the front` : "–";
}

/** A sentence whose text in backticks is code. */
export function told(text) {
  return sentence(text).split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part));
}

/** An error in one sentence, where it occurred. */
export function alert(error) {
  return h("p", { class: "alert", role: "alert" }, error.message);
}

/** Replace a page by the reason why there is nothing to show. */
export function gone(error) {
  const { message } = error;
  const back = h("a", { class: "button", href: "/" }, "Show the studies");
  document.querySelector("main").replaceChildren(h("section", { class: "card" }, empty(error.status === 404 ? "Not here" : "Not shown", `${message[0].toUpperCase()}${message.slice(1)}`, back)));
}
