// Submit: a space in an editor, its files, what the check finds, and the options of the study.

import { get, path, post } from "./api.js";
import { announce, at, h, show } from "./dom.js";
import { Editor } from "./editor.js";
import { amount, bytes, listed, rounded, sentence } from "./format.js";
import { alert, empty, fact, params, studyHref, trained } from "./parts.js";
import { paced } from "./live.js";

const YAML = /\.ya?ml$/;
const LARGEST = 8e6;
const forked = new URLSearchParams(location.search).get("fork");
const draft = `submission:${forked ?? ""}`;
const files = new Map();
const form = at("options");
let sample = 0;
let missing = [];  // names of files that were there before a reload
let checking = null;
let taking = Promise.resolve();  // the files that are being read
let faults = 0;
let built = "";  // what the last whole check was of

const editor = new Editor("The space, in YAML", (text) => {
  keep();
  again();
});
at("editor").append(editor.element);
const soon = paced(check, 400);

/** Check what is there now; an older check is given up. */
function again() {
  checking?.abort();
  soon();
}

async function check() {
  if (at("submit").disabled) return;  // the submission checks it too
  const text = editor.text;
  if (!text.trim()) {
    nothing();
    return;
  }
  checking = new AbortController();
  at("verdict").textContent = "Checking …";
  at("verdict").className = "soft";
  try {
    const { name, trials } = options();
    const body = { space: text, file: "space.yaml", files: Object.fromEntries(files), settings: trials ? { "search.trials": trials } : {}, name: name ?? null, fork_of: forked };
    found(await post("/check?build=false", body, { signal: checking.signal }), false);  // the language alone, within moments
    found(await post("/check", body, { signal: checking.signal }));
    built = asIs();
  } catch (error) {
    if (error.name !== "AbortError") faulty(error);
  }
}

function nothing() {
  editor.mark([]);
  at("verdict").textContent = "";
  show(at("faults"));
  show(at("found"), empty("Nothing to check yet", "Paste a space, drop its file, or start from an example."));
}

function faulty(error) {
  const list = error.faults.length ? error.faults : [{ line: null, column: null, path: "", message: error.message }];
  faults = list.length;
  editor.mark(list);
  at("verdict").textContent = error.status === 422 ? amount(faults, "fault") : "Not checked";
  at("verdict").className = "bad";
  show(at("faults"), h("ul", { class: "faults" }, list.map((fault) => h("li", {},
    h("button", { type: "button", onclick: () => fault.line && editor.go(fault.line, fault.column ?? 1) },
      h("span", {}, fault.line ? `line ${fault.line}` : "space"), h("span", {}, fault.path ? `${fault.path}: ${fault.message}` : fault.message))))));
  show(at("found"), h("p", { class: "soft" }, "Sampled configs and the model appear here when the space has no fault."));
  announce(`${amount(faults, "fault")} in the space.`);
}

function found(answer, isBuilt = true) {
  faults = 0;
  editor.mark([]);
  show(at("faults"));
  at("verdict").textContent = isBuilt ? "✓ No fault" : "Building the model …";
  at("verdict").className = isBuilt ? "ok" : "soft";
  if (isBuilt) announce("No fault in the space.");
  form.elements.name.placeholder = answer.study;
  form.elements.trials.placeholder = answer.trials;
  sample = Math.min(sample, answer.samples.length - 1);
  const occupies = [amount(answer.slots.cpus, "core"), answer.slots.gpus ? amount(answer.slots.gpus, "GPU") : ""].filter(Boolean);
  show(at("found"),
    answer.is_new || forked ? "" : h("p", { class: "notice warn" }, `Study ${answer.study} exists already. Choose another name.`),
    answer.notes.length ? h("ul", { class: "soft small" }, answer.notes.map((note) => h("li", {}, sentence(note)))) : "",
    h("dl", { class: "facts" },
      fact("Study", answer.study, listed(answer.metrics.map(({ title, direction }) => `${direction} ${title}`))),
      fact("Trials", answer.trials.toLocaleString("en"), answer.size === null ? "" : `${rounded(answer.size)} different configs`),
      fact("Occupies", listed(occupies), "while it runs"),
      !isBuilt ? "" : answer.data ? fact("Data", answer.data.type, `${answer.data.train_rows.toLocaleString("en")} rows to train, ${answer.data.valid_rows.toLocaleString("en")} to validate${answer.data.folds > 1 ? ` in each of ${answer.data.folds} folds` : ""}`) : fact("Data", "your code", "loads them itself")),
    h("h3", {}, "Parameters"),
    h("div", { class: "scroll" }, h("table", {}, h("tbody", {}, answer.parameters.map((each) => h("tr", {}, h("th", { scope: "row" }, each.name), h("td", {}, each.range, each.when ? h("div", { class: "soft small" }, each.when) : "")))))),
    answer.samples.length ? samples(answer, isBuilt) : "",
    !isBuilt ? "" : answer.model ? model(answer.model) : h("p", { class: "soft" }, "Your code builds the model, so it is not shown."));
}

function samples(answer, isBuilt) {
  const differing = new Set((answer.sample_differences[sample] ?? []).map((each) => each.path));
  return h("div", { class: "stack" },
    h("div", { class: "cardhead" }, h("h3", {}, "Sampled configs"),
      h("div", { class: "chips" }, answer.samples.map((_, i) => h("button", { type: "button", "aria-pressed": String(i === sample), onclick: () => { sample = i; found(answer, isBuilt); } }, `Config ${i + 1}`)))),
    params(trained(answer.samples[sample]), differing),
    sample ? h("p", { class: "soft small" }, "≠ marks what differs from config 1.") : "");
}

function model({ type, parameters, inputs, outputs, device, layers }) {
  const shape = (numbers) => numbers.join(" × ");
  return h("div", { class: "stack" }, h("h3", {}, "Model of config 1"),
    h("p", { class: "soft" }, `${type} with ${parameters.toLocaleString("en")} weights: ${shape(inputs)} in, ${shape(outputs)} out, built on ${device}.`),
    h("details", {}, h("summary", {}, amount(layers.length, "layer")),
      h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["Layer", "Type", "Weights"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, layers.map((layer) => h("tr", {}, h("th", { scope: "row" }, layer.name || "whole model"), h("td", {}, layer.type), h("td", { class: "number" }, layer.parameters.toLocaleString("en")))))))));
}

/** Keep what is there for a reload. Of files a browser keeps the names alone. */
function keep() {
  const values = Object.fromEntries([...form.elements].filter((each) => each.name).map((each) => [each.name, each.value]));
  sessionStorage.setItem(draft, JSON.stringify({ text: editor.text, values, files: [...files.keys(), ...missing] }));
}

/** Show what was kept, and say which files are to be added again. */
function restore({ text, values, files: names }) {
  missing = names;
  for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
  editor.text = text;
  showMissing();
}

function showMissing() {
  show(at("error"), missing.length ? h("p", { class: "notice warn" }, `Add these files again: ${listed(missing)}.`) : "");
}

function options() {
  const given = [...form.elements].filter((each) => each.name && each.value.trim() !== "");
  return Object.fromEntries(given.map((each) => [each.name, each.type === "number" || each.name === "workers" && each.value !== "auto" ? Number(each.value) : each.value.trim()]));
}

/** The space and its files as they are now. */
function asIs() {
  return JSON.stringify([editor.text, [...files]]);
}

async function submit(event) {
  event.preventDefault();
  const button = at("submit");
  button.disabled = true;
  show(at("error"));
  try {
    await taking;
    const body = { space: editor.text, files: Object.fromEntries(files), ...options() };
    const again = built === asIs() ? "?build=false" : "";  // its model was built a moment ago
    checking?.abort();
    const study = await post((forked ? `/studies${path(forked)}/fork` : "/studies") + again, body);
    sessionStorage.removeItem(draft);
    location.assign(studyHref(study.name));
  } catch (error) {
    if (error.faults?.length) faulty(error);
    show(at("error"), h("p", { class: "alert", role: "alert" }, error.faults?.length ? "The space has faults. They are listed below the text." : error.message));
    button.disabled = false;
  }
}

async function take(list) {
  const spaces = list.filter((file) => YAML.test(file.name));
  const space = spaces.length === 1 || !editor.text.trim() ? spaces[0] : null;  // the rest goes beside it
  for (const file of list) {
    if (file.size > LARGEST) {
      show(at("error"), alert(new Error(`${file.name} has ${bytes(file.size)}. Upload large data with: tuner upload DIR`)));
      continue;
    }
    const text = await file.text();
    if (file === space) editor.text = text;
    else files.set(file.webkitRelativePath || file.name, text);
  }
  if (missing.length) {
    missing = missing.filter((name) => !files.has(name));
    showMissing();
  }
  keep();
  showFiles();
  again();
}

function showFiles() {
  at("policy").hidden = files.size === 0 && !at("policy").dataset.always;
  show(at("files"), [...files].map(([name, text]) => h("li", {}, h("span", { class: "mono" }, name), h("span", { class: "soft small" }, bytes(text.length)),
    h("button", { type: "button", class: "link", "aria-label": `Remove ${name}`, onclick: () => { files.delete(name); keep(); showFiles(); again(); } }, "Remove"))));
}

/** Read files after those that came before. */
function queue(list) {
  taking = taking.then(() => take(list)).catch((error) => show(at("error"), alert(error)));
  return taking;
}

function takePicked() {
  queue([...at("picker").files]).then(() => { at("picker").value = ""; });
}

at("picker").onchange = takePicked;
if (at("picker").files.length) takePicked();  // on a slow line they are chosen before this script is here
at("pick").onclick = () => at("picker").click();
for (const button of document.querySelectorAll("[data-example]")) button.onclick = () => {
  editor.text = document.getElementById(button.dataset.example).textContent.trimStart();
  keep();
  check();
};
addEventListener("dragover", (event) => {
  event.preventDefault();
  editor.element.classList.add("drop");
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) editor.element.classList.remove("drop"); });
addEventListener("drop", (event) => {
  event.preventDefault();
  editor.element.classList.remove("drop");
  queue([...event.dataTransfer.files]);
});
form.onsubmit = submit;
form.oninput = () => { keep(); again(); };

async function start() {
  const kept = sessionStorage.getItem(draft);
  if (kept) restore(JSON.parse(kept));
  else if (forked) {
    try {
      editor.text = (await get(`/studies${path(forked)}`)).space ?? "";
      form.elements.name.value = `${forked}-2`;
    } catch (error) {
      show(at("error"), alert(error));
    }
  }
  check();
}

start();
