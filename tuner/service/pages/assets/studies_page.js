// The list of studies: what runs, what waits and why, what has ended.

import { API, get } from "./api.js";
import { announce, at, h, show } from "./dom.js";
import { ago, between, duration, rounded, sentence } from "./format.js";
import { follow, paced } from "./live.js";
import { alert, bestText, cell, empty, progress, state, studyHref } from "./parts.js";
import { sparkline } from "./charts.js";

const GROUPS = [
  { key: "running", title: "Running", states: ["running", "starting", "suspending"], limit: 100 },
  { key: "waiting", title: "Waiting", states: ["queued", "suspended"], limit: 100 },
  { key: "ended", title: "Ended", states: ["done", "failed", "cancelled"], limit: 25 },
];
const root = document.documentElement.dataset;
const asked = new URLSearchParams(location.search);
const view = { search: asked.get("search") ?? "", group: asked.get("group") ?? "", mine: asked.has("mine"), cursors: [null] };
let pages = {};

async function load() {
  const groups = GROUPS.filter(({ key }) => !view.group || key === view.group);
  const query = { search: view.search, owner: view.mine ? root.user : null };
  try {
    const found = await Promise.all(GROUPS.map(({ key, states, limit }) => get("/studies", {
      ...query, state: states, limit: groups.some((each) => each.key === key) ? limit : 1, cursor: key === "ended" ? view.cursors.at(-1) : null,
    })));
    pages = Object.fromEntries(GROUPS.map(({ key }, i) => [key, found[i]]));
    render(groups);
  } catch (error) {
    show(at("studies"), alert(error));
  }
}

function render(groups) {
  const total = GROUPS.reduce((sum, { key }) => sum + pages[key].total, 0);
  for (const { key } of GROUPS) at(`count-${key}`).textContent = pages[key].total;
  at("count-all").textContent = total;
  at("summary").textContent = sentence(`${pages.running.total} ${pages.running.total === 1 ? "study" : "studies"} ${pages.running.total === 1 ? "runs" : "run"}, ${pages.waiting.total} ${pages.waiting.total === 1 ? "waits" : "wait"}, ${pages.ended.total} ended`);
  at("filters").hidden = total === 0 && !view.search && !view.mine;
  const shown = groups.filter(({ key }) => pages[key].items.length);
  if (!shown.length) return show(at("studies"), nothing());
  show(at("studies"), h("table", { class: "studies cards" },
    h("thead", {}, h("tr", {}, ["Study", "Best", "Course", "Progress", "Time"].map((name) => h("th", { scope: "col", class: name === "Best" || name === "Time" ? "number" : null }, name)))),
    shown.map(({ key, title }) => h("tbody", { "data-key": key },
      h("tr", { class: "group" }, h("th", { colspan: 5, scope: "rowgroup" }, title)),
      pages[key].items.map(row)))), pager());
}

function nothing() {
  if (view.search || view.mine || view.group) return empty("No study matches", "Change the search or the filter.", h("button", { class: "button", onclick: clear }, "Show all studies"));
  const text = "A study searches for the best configuration of a model. Describe the search in one YAML file.";
  return empty("No study yet", root.role === "viewer" ? "Studies appear here when a member submits one." : text, root.role === "viewer" ? null : h("a", { class: "button main", href: "/submit" }, "Submit a study"));
}

function clear() {
  Object.assign(view, { search: "", group: "", mine: false, cursors: [null] });
  at("search").value = "";
  apply();
}

function row(study) {
  const metric = study.metrics[0];
  const course = `Best ${metric?.title ?? "value"} so far: ${rounded(study.best_so_far.at(-1))}`;
  return h("tr", { "data-key": study.name },
    h("td", {}, h("a", { class: "name", href: studyHref(study.name) }, study.name), " ", state(study.state),
      h("div", { class: "why" }, [study.owner ?? (study.kind === "foreign" ? "made by another program" : "started by hand"), why(study)].filter(Boolean).join(" · "))),
    cell("Best", [h("strong", {}, bestText(study)), metric ? h("div", { class: "soft small" }, metric.title) : ""], { class: "number best" }),
    h("td", { class: "spark" }, sparkline(study.best_so_far, course)),
    cell("Progress", progress(study.trials, study.state), { class: "progress" }),
    cell("Time", time(study), { class: "small number time" }));
}

function why(study) {
  if (study.state === "queued" && study.wait) return study.wait.sentence;
  if (["failed", "suspended", "cancelled", "suspending"].includes(study.state)) return study.reason;
  return study.confirms ? `confirms ${study.confirms}` : "";
}

function time(study) {
  if (study.state === "running") return study.seconds_left === null ? `for ${duration(between(study.started, null))}` : `about ${duration(study.seconds_left)} left`;
  if (study.state === "queued" && study.wait?.about_seconds !== null && study.wait) return `starts in about ${duration(study.wait.about_seconds)}`;
  if (study.ended) return ago(study.ended);
  return study.submitted ? `submitted ${ago(study.submitted)}` : "–";
}

function pager() {
  const { next, total } = pages.ended;
  if (view.cursors.length === 1 && !next || view.group && view.group !== "ended") return "";
  const from = (view.cursors.length - 1) * 25;
  return h("nav", { class: "pager", "aria-label": "Pages of ended studies" },
    h("button", { disabled: view.cursors.length === 1, onclick: () => { view.cursors.pop(); load(); } }, "Newer"),
    h("span", {}, `${from + 1} to ${Math.min(from + 25, total)} of ${total} ended`),
    h("button", { disabled: !next, onclick: () => { view.cursors.push(next); load(); } }, "Older"));
}

function apply() {
  const query = new URLSearchParams(Object.entries({ search: view.search, group: view.group, mine: view.mine ? "1" : "" }).filter(([, value]) => value));
  history.replaceState(null, "", query.size ? `/?${query}` : "/");
  for (const chip of document.querySelectorAll("[data-group]")) chip.setAttribute("aria-pressed", String(chip.dataset.group === view.group));
  at("mine").setAttribute("aria-pressed", String(view.mine));
  view.cursors = [null];
  return load().then(() => announce(at("summary").textContent));
}

const soon = paced(load, 1500);
at("search").value = view.search;
let typing = null;
at("search").oninput = ({ target }) => {
  clearTimeout(typing);
  typing = setTimeout(() => { view.search = target.value.trim(); apply(); }, 200);
};
for (const chip of document.querySelectorAll("[data-group]")) chip.onclick = () => { view.group = chip.dataset.group; apply(); };
at("mine").onclick = () => { view.mine = !view.mine; apply(); };
apply();
follow(`${API}/events`, () => soon());
setInterval(soon, 30000);
