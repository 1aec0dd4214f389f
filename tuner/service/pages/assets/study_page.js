// A study: the answer first, then how it came about, live.

import { API, get, getOr, path } from "./api.js";
import { announce, at, h, show } from "./dom.js";
import { ago, amount, between, duration, listed, rounded, sentence, valueText, when } from "./format.js";
import { follow, paced } from "./live.js";
import { cell, empty, fact, gone, params, progress, state, studyHref, told, trialHref } from "./parts.js";
import { Curves, History } from "./charts.js";
import { actions } from "./study_actions.js";
import { loadJobs } from "./study_jobs.js";
import { TrialTable } from "./trial_table.js";
import { Importances } from "./importances.js";

const MOST_CURVES = 6;
const NO_COURSE = { number: [], state: [], values: [], best: [], seconds: [], ignored: [] };  // of a study that is not there, as the page then says
const name = document.documentElement.dataset.study;
const here = `/studies${path(name)}`;
const historyFigure = new History();
const curvesFigure = new Curves();
const running = new Map();
const latest = new Map();  // the last epoch of each trial by its event, which is here before the database has it
let study = null;
let best = null;

let reading = get(here);
const table = new TrialTable(at("trials"), name, () => reading);
const importances = new Importances(at("importances"), name);

async function load() {
  try {
    study = await reading;
    study.running = study.running.map(newest);
  } catch (error) {
    if (study !== null) throw error;
    gone(error);
    return false;
  }
  render();
  return true;
}

function newest(each) {
  const told = latest.get(each.trial);
  return told && told.epoch > each.epoch ? { ...each, ...told, quiet: 0 } : each;
}

async function loadCourse(found = getOr(NO_COURSE, `${here}/course`)) {
  const course = await found;
  if (course.number.length && !study.metrics.length) {  // a driver has opened the study since it was read
    reading = get(here);
    await load();
  }
  at("history-about").textContent = `${study.metrics[0]?.title ?? "value"} of each trial, and the best so far`;
  at("curves-about").textContent = `${study.metrics[0]?.title ?? "value"} by epoch`;
  const drawn = course.number.length > 0 && historyFigure.update(course, 0, study.metrics[0]);
  if (drawn && !historyFigure.element.isConnected) at("history").replaceChildren(historyFigure.element, historyFigure.legend);
  if (!drawn) show(at("history"), empty("No trial has ended yet", study.state === "queued" ? "The study waits for its turn." : "Values appear here as trials end."));
}

async function loadRunning() {
  const wanted = study.running.slice(0, MOST_CURVES).map((each) => each.trial);
  for (const number of [...running.keys()]) if (!wanted.includes(number)) running.delete(number);
  await Promise.all(wanted.filter((number) => !running.has(number)).map(async (number) => {
    const trial = await get(`${here}/trials/${number}`);
    const metric = study.metrics[0]?.name;
    const epochs = Object.keys(trial.reports).map(Number).sort((one, other) => one - other);
    running.set(number, { name: `trial ${number}`, epochs: trial.history?.[metric] ? [...trial.epochs] : epochs, values: trial.history?.[metric] ? [...trial.history[metric]] : epochs.map((epoch) => trial.reports[epoch]) });
  }));
  drawCurves();
}

function drawCurves() {
  at("curves-card").hidden = !study.running.length;
  at("history-row").classList.toggle("alone", !study.running.length);
  if (!study.running.length) return;
  const drawn = curvesFigure.update([...running.values()], study.metrics[0]?.title ?? "value", study.metrics[0]?.direction);
  if (drawn && !curvesFigure.element.isConnected) at("curves").replaceChildren(curvesFigure.element, curvesFigure.legend);
  if (!drawn) show(at("curves"), h("p", { class: "soft" }, "Curves appear here with the first epochs."));
}

function render() {
  show(at("title"), h("h1", {}, study.name), state(study.state));
  const by = study.owner ? `Submitted by ${study.owner} ${ago(study.submitted)}` : study.kind === "foreign" ? "Made by another program" : "Started by hand";
  show(at("about"), [by, study.confirms ? h("span", {}, "confirms ", h("a", { href: studyHref(study.confirms) }, study.confirms)) : "", study.kind === "remote" ? "trained by remote workers" : ""].filter(Boolean).flatMap((each, i) => (i ? [" · ", each] : [each])));
  actions(at("actions"), study, refresh);
  answer();
  waiting();
  workers();
  failures();
  past();
  at("figures").hidden = !study.trials.ended;
  const now = study.best?.number ?? null;
  if (best !== null && now !== null && now !== best) announce(`New best: trial ${now} with ${rounded(study.best.value)}.`);
  best = now;
}

function waiting() {
  const why = study.state === "queued" && study.wait ? sentence(study.wait.sentence) : "";
  const reason = ["failed", "cancelled", "suspended", "suspending"].includes(study.state) ? sentence(study.reason) : "";
  const text = why || reason;
  show(at("why"), text ? h("p", { class: `notice${study.state === "failed" ? " alert" : " warn"}` }, text) : "");
}

function answer() {
  const metric = study.metrics[0];
  const answered = study.answer;
  const chosen = answered ? answered.trial : study.best?.number;
  const value = answered ? answered.value : study.best?.value;
  const facts = h("dl", { class: "facts" },
    h("div", { class: "stack" }, h("dt", {}, "Progress"), progress(study.trials, study.state)),
    study.gain !== null && value !== undefined ? fact("Gain over the first trial", study.gain > 0 ? `${metric.direction === "minimize" ? "−" : "+"}${rounded(study.gain)}` : "none yet") : "",
    answered && answered.trivial !== null ? fact("Baseline", rounded(answered.trivial), answered.trivial_says ?? "") : "",
    fact("Trials", `${study.trials.ended.toLocaleString("en")}`, listed(Object.entries(study.trials.by_state).filter(([, count]) => count).map(([each, count]) => `${count.toLocaleString("en")} ${each}`))),
    study.state === "running" && study.seconds_left !== null ? fact("Time left", `about ${duration(study.seconds_left)}`, `runs for ${duration(between(study.started, null))}`) : study.ended ? fact("Ended", ago(study.ended), study.started ? `took ${duration(between(study.started, study.ended))}` : "") : "");
  if (study.metrics.length > 1) return show(at("answer"), front(), facts);
  if (chosen === undefined) return show(at("answer"), h("p", { class: "label" }, metric?.title ?? "Best value"), h("p", { class: "value soft" }, "No answer yet"), h("p", { class: "sure soft" }, "No trial is complete yet."), facts);
  const interval = answered && answered.low !== null ? `95 % interval ${rounded(answered.low)} to ${rounded(answered.high)}` : "";
  show(at("answer"),
    h("p", { class: "label" }, `Best ${metric.title}, `, h("a", { href: trialHref(name, chosen) }, `trial ${chosen}`), study.best?.number === chosen && study.best.epoch !== null ? ` at epoch ${study.best.epoch}` : ""),
    h("p", { class: "value" }, rounded(value), " ", interval ? h("small", {}, interval) : ""),
    answered ? h("p", { class: "sure" }, told(answered.how_sure), interval || study.space === null ? "" : " Confirm it to get an interval.") : "",
    answered?.paragraphs.length ? h("details", {}, h("summary", {}, "What the confirmation found"), answered.paragraphs.map((each) => h("p", { class: "small" }, each.map((line) => [told(line), " "])))) : "",
    facts,
    h("h3", { class: "gap" }, "Best config"),
    study.best?.number === chosen ? params(Object.entries(study.best.params)) : h("a", { href: trialHref(name, chosen) }, `The config of trial ${chosen}`));
}

function front() {
  return [h("p", { class: "label" }, listed(study.metrics.map(({ title, direction }) => `${direction} ${title}`))),
    h("p", { class: "value" }, study.front.length ? amount(study.front.length, "trial") : "No answer yet", " ", h("small", {}, study.front.length ? "on the front" : "")),
    h("p", { class: "sure" }, study.front.length ? "No other trial is as good in every objective and better in one. Each value comes from one run." : "No trial is complete yet."),
    study.front.length ? h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Trial"), study.metrics.map(({ title }) => h("th", { scope: "col", class: "number" }, title)))),
      h("tbody", {}, study.front.slice(0, 12).map((each) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: trialHref(name, each.number) }, each.number)), each.values.map((value) => h("td", { class: "number" }, rounded(value)))))))) : ""];
}

function workers() {
  at("workers-card").hidden = !study.running.length;
  at("workers-count").textContent = `${amount(study.running.length, "trial")} ${study.running.length === 1 ? "runs" : "run"} now`;
  show(at("workers"), h("table", { class: "cards" },
    h("thead", {}, h("tr", {}, ["Trial", "Epoch", "Value", "Worker", "Last sign"].map((each) => h("th", { scope: "col", class: each === "Value" ? "number" : null }, each)))),
    h("tbody", {}, study.running.map((each) => h("tr", { "data-key": each.trial },
      h("th", { scope: "row" }, h("a", { href: trialHref(name, each.trial) }, `trial ${each.trial}`)),
      cell("Epoch", each.epochs ? `${each.epoch} of ${each.epochs}` : String(each.epoch)),
      cell("Value", rounded(each.value), { class: "number" }),
      cell("Worker", [each.worker, each.host, each.device].filter(Boolean).join(" · ") || "–"),
      cell("Last sign", each.waits ? "waits for its worker" : `${duration(each.quiet)} ago`))))));
}

function failures() {
  at("failures-card").hidden = !study.failures.length;
  show(at("failures"), h("p", {}, told(study.failure_sentence)),
    h("table", { class: "cards" }, h("thead", {}, h("tr", {}, ["Trials", "Cause", "Example"].map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, study.failures.map((each) => h("tr", {}, cell("Trials", `${each.count} ${each.state}`), cell("Cause", each.cause), cell("Example", h("a", { href: trialHref(name, each.example) }, `trial ${each.example}`)))))));
}

function past() {
  show(at("past"), study.changes.length ? h("table", { class: "cards" }, h("tbody", {}, [...study.changes].reverse().slice(0, 30).map((each) => h("tr", {},
    h("td", { class: "soft small" }, when(each.at, "medium")), h("td", {}, state(each.state), each.kind === "run" || each.kind === "remote" ? "" : ` ${each.kind}`), h("td", {}, [each.actor, each.reason].filter(Boolean).join(": ")))))) : h("p", { class: "soft" }, "The service did not begin this study."),
  study.notes.length ? h("ul", {}, study.notes.map((note) => h("li", {}, told(note)))) : "");
  const code = at("space-text");
  at("space-card").hidden = study.space === null;
  if (study.space !== null && code.textContent !== study.space) code.textContent = study.space;
  const words = options(study);
  show(at("settings"), words.length ? h("p", { class: "soft small" }, `Submitted with ${listed(words)}.`) : "");
}

/** How a study was submitted, as far as its space does not say so itself. */
function options({ settings: given, space_trials: written }) {
  const { n_trials: total, settings = {}, workers, fork, study_name: parent, ...others } = given;
  const words = [];
  if (total !== undefined && written !== null && total !== written) words.push(`${amount(total, "trial")} in place of ${written.toLocaleString("en")}`);
  if (workers !== undefined) words.push(amount(workers, "worker"));
  if (fork !== undefined) words.push(`the trials of ${parent}`);
  const named = [...Object.entries(settings).filter(([key]) => key !== "search.trials"), ...Object.entries(others)];
  return [...words, ...named.map(([key, value]) => `${key.replaceAll("_", " ")} ${valueText(value)}`)];
}

async function refresh() {
  reading = get(here);
  await load();
  await Promise.all([loadCourse(), loadRunning(), table.load(), loadJobs(name, refresh)]);
}

const detailSoon = paced(async () => {
  reading = get(here);
  await load();
  await loadRunning();
}, 700);
const courseSoon = paced(() => Promise.all([loadCourse(), table.refresh()]), 900);
const course = getOr(NO_COURSE, `${here}/course`);
const rows = table.load();

const jobsSoon = paced(() => loadJobs(name, refresh), 900);

function seen({ study: of, event, trial, epoch, metrics }) {
  if (of !== name) return;
  if (event === "reported") {
    latest.set(trial, { epoch, value: metrics?.[study.metrics[0]?.name] ?? null });
    study.running = study.running.map(newest);
    workers();
  } else latest.delete(trial);  // it begins or ends: what an earlier attempt told is over
  if (event === "reported" && running.has(trial)) {
    const line = running.get(trial);
    const last = line.epochs.at(-1) ?? 0;
    if (epoch > last + 1) running.delete(trial);  // epochs are missing here: its curve is read anew
    else if (epoch > last) {
      line.epochs.push(epoch);
      line.values.push(metrics?.[study.metrics[0]?.name] ?? null);
      drawCurves();
    }
  }
  detailSoon();
  if (event === "job") jobsSoon();
  if (event !== "reported") courseSoon();
}

if (await load()) {
  await Promise.all([loadCourse(course), loadRunning(), rows, loadJobs(name, refresh)]);
  importances.load(study);
  follow(`${API}/events`, seen);
  setInterval(() => {  // a study by hand has no events here
    if (study.job === null && study.state === "running") [detailSoon, courseSoon].forEach((soon) => soon());
  }, 2000);
}
