// A model: its scores, its files, and predictions for rows that the reader types.

import { API, get, post, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { at, h, show } from "./dom.js";
import { ago, amount, bytes, rounded, sentence, valueText } from "./format.js";
import { follow, paced } from "./live.js";
import { alert, fact, gone, state, studyHref, told, trialHref } from "./parts.js";

const root = document.documentElement.dataset;
const OVER = ["done", "failed", "cancelled"];
const id = root.model;
const here = `/models/${id}`;
let model = null;

async function load() {
  try {
    model = await get(here);
  } catch (error) {
    if (model !== null) throw error;
    gone(error);
    return false;
  }
  render();
  return true;
}

function render() {
  const first = model.scores[0];
  show(at("title"), h("h1", {}, `Model ${model.id}`), state(model.state));
  show(at("about"), "From ", h("a", { href: studyHref(model.study) }, model.study), model.trial === null ? "" : [", ", h("a", { href: trialHref(model.study, model.trial) }, `trial ${model.trial}`)], `. ${model.owner} asked for it ${ago(model.submitted)}.`);
  show(at("answer"), first ? [
    h("p", { class: "label" }, `${first.title} on the ${first.split === "test" ? "test" : "validation"} rows`),
    h("p", { class: "value" }, rounded(first.value), " ", h("small", {}, first.low !== null ? `95 % interval ${rounded(first.low)} to ${rounded(first.high)}` : "")),
    model.sentences.map((each) => h("p", { class: "sure" }, told(each))),
    h("dl", { class: "facts" }, model.scores.slice(1).map((each) => fact(each.title, rounded(each.value), each.low !== null ? `${rounded(each.low)} to ${rounded(each.high)}` : "")),
      first.trivial !== null ? fact("Baseline", rounded(first.trivial), "the trivial predictor") : "", model.epochs ? fact("Epochs", String(model.epochs)) : "", fact("Rows", model.on === "train" ? "training" : "training and validation"))]
    : [h("p", { class: "value soft" }, model.state === "done" ? "Trained" : "Not trained yet"), h("p", { class: "sure soft" }, sentence(model.reason) || "Its scores appear here when it is trained.")]);
  const mine = root.role === "admin" || (root.role === "member" && model.owner === root.user);
  show(at("actions"), mine && OVER.includes(model.state) ? h("button", { type: "button", class: "danger", onclick: erase }, "Delete") : "");
  files();
  at("predict-card").hidden = model.state !== "done" || model.inputs === null;
  if (!at("predict-card").hidden && !at("predict").elements.length) fields();
}

function erase() {
  ask({ title: `Delete model ${model.id}?`, action: "Delete the model", danger: true, text: "Its files are deleted. What was downloaded stays. This cannot be undone." }, async () => {
    await remove(here);
    location.assign("/models");
  });
}

function files() {
  const row = ({ path: file, size }) => h("tr", {},
    h("th", { scope: "row" }, h("a", { href: `${API}${here}/files/${file.split("/").map(encodeURIComponent).join("/")}`, download: file.split("/").at(-1) }, file)),
    h("td", { class: "number soft" }, bytes(size)));
  if (!model.files.length) return show(at("files"), h("p", { class: "soft" }, "Files appear here when the model is trained."));
  return show(at("files"), h("table", {}, h("tbody", {}, model.files.map(row))), h("p", { class: "below" }, h("a", { class: "button", href: `${API}${here}/files`, download: true }, "Download all")));
}

function fields() {
  const form = at("predict");
  const error = h("div");
  const makers = { table: tableFields, texts: textFields, images: imageFields };
  const [nodes, rows] = (makers[model.inputs] ?? rawFields)();
  form.replaceChildren(...nodes, error, h("div", { class: "actions" }, h("button", { type: "submit", class: "main" }, "Predict")));
  form.onsubmit = async (event) => {
    event.preventDefault();
    error.replaceChildren();
    show(at("predicted"));
    try {
      const given = rows(form);
      predicted(await post(`${here}/predict`, given instanceof FormData ? given : { rows: given }));
    } catch (problem) {
      error.replaceChildren(alert(problem));
    }
  };
}

function tableFields() {
  const nodes = [h("p", { class: "soft" }, "Type one row. Leave a cell empty where its value is missing."),
    h("div", { class: "fields" }, model.columns.map((name) => h("label", { class: "field" }, h("span", {}, name), h("input", { name, autocomplete: "off" }))))];
  const value = (text) => (text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text));
  return [nodes, (form) => [Object.fromEntries(model.columns.map((name) => [name, value(form.elements[name].value.trim())]))]];
}

function textFields() {
  const nodes = [h("label", { class: "field" }, h("span", {}, "One text a line"), h("textarea", { name: "texts", rows: 5, style: { width: "100%" } }))];
  return [nodes, (form) => form.elements.texts.value.split("\n").filter((each) => each.trim())];
}

function imageFields() {
  const nodes = [h("label", { class: "field" }, h("span", {}, "An image"), h("input", { name: "file", type: "file", accept: "image/*", required: true }))];
  return [nodes, (form) => {
    const data = new FormData();
    data.append("file", form.elements.file.files[0]);
    return data;
  }];
}

function rawFields() {
  const nodes = [h("label", { class: "field" }, h("span", {}, "Rows as JSON, a list of numbers for each"), h("textarea", { name: "rows", rows: 6, style: { width: "100%" }, placeholder: "[[0.1, 0.2, 0.3]]" }))];
  return [nodes, (form) => {
    try {
      return JSON.parse(form.elements.rows.value);
    } catch {
      throw new Error("The rows are no JSON. Write a list of rows, such as [[0.1, 0.2]].");
    }
  }];
}

function predicted({ columns, rows, notes }) {
  show(at("predicted"), h("h3", {}, `Predictions for ${amount(rows.length, "row")}`), h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.slice(0, 100).map((row) => h("tr", {}, columns.map((name) => h("td", {}, valueText(row[name])))))))), notes.map((note) => h("p", { class: "soft" }, sentence(note))));
}

if (await load()) {
  if (!OVER.includes(model.state)) follow(`${API}/events`, paced(load, 1500));
}
