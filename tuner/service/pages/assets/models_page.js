// Models: the final models with their first score.

import { API, get } from "./api.js";
import { at, h, show } from "./dom.js";
import { ago, rounded, sentence } from "./format.js";
import { follow, paced } from "./live.js";
import { alert, cell, empty, state, studyHref } from "./parts.js";

const cursors = [null];

async function load() {
  try {
    const page = await get("/models", { limit: 50, cursor: cursors.at(-1) });
    if (!page.items.length) return show(at("models"), empty("No model yet", "Open a study and press Train. Its best trial trains once more and is stored here.", h("a", { class: "button", href: "/" }, "Show the studies")));
    show(at("models"), h("table", { class: "cards" },
      h("thead", {}, h("tr", {}, ["Model", "State", "Score", "Rows", "Owner", "Trained"].map((each) => h("th", { scope: "col", class: each === "Score" ? "number" : null }, each)))),
      h("tbody", {}, page.items.map(row))), pager(page));
  } catch (error) {
    show(at("models"), alert(error));
  }
}

function row(model) {
  const score = model.scores[0];
  return h("tr", { "data-key": model.id },
    h("th", { scope: "row" }, h("a", { href: `/models/${model.id}` }, `${model.study} · ${model.trial === null ? "best trial" : `trial ${model.trial}`}`), h("div", { class: "soft small" }, `model ${model.id} of `, h("a", { href: studyHref(model.study) }, model.study))),
    cell("State", [state(model.state), model.state === "failed" && model.reason ? h("div", { class: "small bad" }, sentence(model.reason)) : ""]),
    cell("Score", score ? [h("strong", {}, rounded(score.value)), h("div", { class: "soft small" }, `${score.title}, ${score.split} rows`)] : "–", { class: "number" }),
    cell("Rows", model.on === "train" ? "training" : "training and validation"), cell("Owner", model.owner), cell("Trained", ago(model.ended ?? model.submitted)));
}

function pager(page) {
  if (!page.next && cursors.length === 1) return "";
  return h("nav", { class: "pager", "aria-label": "Pages of models" },
    h("button", { disabled: cursors.length === 1, onclick: () => { cursors.pop(); load(); } }, "Newer"), h("button", { disabled: !page.next, onclick: () => { cursors.push(page.next); load(); } }, "Older"));
}

load();
follow(`${API}/events`, paced(load, 2000));
