// A trial: its config against the best one, its curves, why it ended, its output as it grows.

import { API, get, path, post } from "./api.js";
import { at, h, show, toast } from "./dom.js";
import { ask } from "./dialogs.js";
import { ago, bytes, duration, rounded, valueText } from "./format.js";
import { follow, paced } from "./live.js";
import { fact, gone, params, state, told, trained, trialHref } from "./parts.js";
import { Curves } from "./charts.js";
import { Log } from "./log.js";

/** Attributes of a trial that the page has in words. */
const SHOWN_ABOVE = new Set(["begun", "cause", "epoch", "judged", "state", "traceback", "values", "ignored", "warnings"]);

const { study: name, trial: text, role, user } = document.documentElement.dataset;
const number = Number(text);
const here = `/studies${path(name)}/trials/${number}`;
const figures = new Map();
const log = new Log(at("log"), `${here}/log`);
let study = null;
let trial = null;
let other = null;

async function load() {
  try {
    [trial, study] = await Promise.all([get(here), study ?? get(`/studies${path(name)}`)]);
    if (other === null && trial.best !== null && trial.best !== number) other = await get(`/studies${path(name)}/trials/${trial.best}`);
  } catch (error) {
    if (trial !== null) throw error;
    gone(error);
    return false;
  }
  render();
  return true;
}

function render() {
  const isBest = trial.best === number;
  show(at("title"), h("h1", {}, `Trial ${number}`), state(trial.state), trial.ignored ? state("ignored") : "", isBest ? state("done", "best") : "");
  show(at("about"), trial.origin ? told(trial.origin) : "");
  buttons();
  const metric = study.metrics[0];
  const value = trial.value ?? trial.running?.value;
  const place = trial.running ?? trial.attributes;
  show(at("answer"),
    h("p", { class: "label" }, trial.running ? `${metric?.title ?? "Value"} so far` : metric?.title ?? "Value"),
    h("p", { class: "value" }, study.metrics.length > 1 && trial.values.length ? trial.values.map(rounded).join(" · ") : rounded(value), " ", h("small", {}, trial.epoch !== null ? `at epoch ${trial.epoch}` : "")),
    trial.why || trial.cause ? h("p", { class: "sure" }, told(trial.why || trial.cause)) : trial.running ? h("p", { class: "sure" }, trial.running.epochs ? `It is at epoch ${trial.running.epoch} of ${trial.running.epochs}.` : `It is at epoch ${trial.running.epoch}.`) : "",
    h("dl", { class: "facts" },
      other && value !== null && value !== undefined && study.metrics.length === 1 ? fact("Best of the study", h("a", { href: trialHref(name, trial.best) }, rounded(other.value)), `trial ${trial.best}`) : "",
      fact("Time", duration(trial.seconds), trial.started ? `began ${ago(trial.started)}` : ""),
      place?.worker || place?.host ? fact("Worker", place.worker ?? place.host, [place.host, place.device].filter((each) => each && each !== place.worker).join(" · ")) : "",
      Object.keys(trial.violations).length ? fact("Bounds", trial.feasible ? "kept" : "broken", Object.entries(trial.violations).filter(([, by]) => by > 0).map(([bound, by]) => `${bound} by ${rounded(by)}`).join(", ")) : "",
      trial.checkpoints.length ? fact("Checkpoints", String(trial.checkpoints.length), bytes(trial.checkpoints.reduce((sum, each) => sum + each.size, 0))) : ""));
  config(isBest);
  curves();
  at("trace-card").hidden = !trial.traceback;
  at("trace").textContent = trial.traceback ?? "";
  show(at("attributes"), params(Object.entries(trial.attributes).filter(([key, each]) => each !== null && !SHOWN_ABOVE.has(key)).map(([key, each]) => [key, typeof each === "object" ? JSON.stringify(each) : each])));
}

function config(isBest) {
  const differing = new Set(trial.differs.map((each) => each.path));
  const tuned = Object.entries(trial.params);
  const plain = (each) => (each === null || each === undefined ? "–" : valueText(each));
  show(at("config"),
    trial.differs.length ? h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "What differs"), h("th", { scope: "col", class: "number" }, "this trial"), h("th", { scope: "col", class: "number" }, `best, trial ${trial.best}`))),
      h("tbody", {}, trial.differs.map((each) => h("tr", {}, h("th", { scope: "row" }, each.path), h("td", { class: "number" }, plain(each.value)), h("td", { class: "number soft" }, plain(each.best))))))) : [isBest || trial.best === null ? "" : h("p", { class: "soft" }, "Nothing differs from the best trial."), tuned.length ? params(tuned) : ""],
    trial.config ? h("details", { open: !trial.differs.length && !tuned.length }, h("summary", {}, "The whole config"), params(trained(trial.config), differing)) : "");
}

function curves() {
  const metrics = trial.history ? Object.keys(trial.history).filter((each) => trial.history[each].some((value) => value !== null)) : [];
  const lines = metrics.length ? metrics.map((metric) => [metric, trial.epochs, trial.history[metric]]) : Object.keys(trial.reports).length ? [[study.metrics[0]?.name ?? "value", Object.keys(trial.reports).map(Number), Object.values(trial.reports)]] : [];
  at("curves-card").hidden = !lines.length;
  const goal = study.metrics[0]?.name;
  lines.sort(([one], [two]) => (two === goal) - (one === goal));
  at("more-curves").hidden = lines.length < 2;
  for (const [metric, epochs, values] of lines) {
    if (!figures.has(metric)) {
      const figure = new Curves(metric === lines[0][0] ? 240 : 160);
      figures.set(metric, figure);
      at(metric === lines[0][0] ? "curves" : "other-curves").append(h("div", {}, h("h3", {}, study.metrics.find((each) => each.name === metric)?.title ?? metric), figure.element, figure.legend));
    }
    const best = other?.history?.[metric] ? [{ name: `best, trial ${trial.best}`, epochs: other.epochs, values: other.history[metric], quiet: true }] : [];
    figures.get(metric).update([...best, { name: `trial ${number}`, epochs, values }], metric, study.metrics.find((each) => each.name === metric)?.direction);
  }
}

function buttons() {
  const may = role === "admin" || (role === "member" && study.owner === user);
  const did = async (verb, values, said) => {
    await post(`${here}/${verb}`, values);
    await load();
    toast(said);
  };
  const direct = (verb, values, said) => () => did(verb, values, said).catch((error) => toast(error.message));
  const button = (title, onclick, attributes = {}) => h("button", { type: "button", onclick, ...attributes }, title);
  const retried = ["pruned", "failed", "diverged", "out of memory", "timed out", "lost"].includes(trial.state);
  show(at("actions"), may ? [
    trial.running ? button("Stop", () => ask({ title: `Stop trial ${number}?`, action: "Stop the trial", text: "It ends as pruned at its next epoch, with the values that it has." }, () => did("stop", {}, "The trial stops at the end of its epoch."))) : "",
    trial.ignored ? button("Undo ignore", direct("ignore", { undo: true }, "The trial counts again.")) : !trial.running && trial.state !== "waiting" ? button("Ignore", () => ask({ title: `Ignore trial ${number}?`, action: "Ignore the trial", text: "It no longer counts for the best, for figures and for the sampler. You can undo it." }, () => did("ignore", {}, "The trial is ignored."))) : "",
    retried ? button("Retry", direct("retry", {}, "The trial runs again under its number.")) : ""] : "");
}

const soon = paced(load, 600);
if (await load()) {
  log.start();
  if (["running", "waiting", "left running"].includes(trial.state) || ["running", "queued", "starting"].includes(study.state)) {
    follow(`${API}/events`, (event) => {
      if (event.study === name && (event.trial === undefined || event.trial === number)) soon();
    });
  }
}
