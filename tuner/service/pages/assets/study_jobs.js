// The confirmations and final trainings of a study that are not over, each with a button that cancels it; and its models.

import { get, post } from "./api.js";
import { ask } from "./dialogs.js";
import { at, h, show, toast } from "./dom.js";
import { ago, rounded, sentence } from "./format.js";
import { cell, state } from "./parts.js";

const KINDS = { confirm: "confirmation", train: "final training" };
const ENDING = ["queued", "starting", "running", "suspending", "suspended"];
const root = document.documentElement.dataset;

/** Show the jobs of a study; `refresh` is called after each change. */
export async function loadJobs(study, refresh) {
  const [{ items }, models] = await Promise.all([get("/jobs", { study, state: ENDING }), get("/models", { study })]);
  const jobs = items.filter(({ kind }) => kind in KINDS);
  const trained = models.items.filter((model) => model.state === "done");
  at("jobs-card").hidden = !jobs.length && !trained.length;
  show(at("jobs"), h("table", { class: "cards" }, h("tbody", {}, jobs.map((job) => row(job, refresh)), trained.map(modelRow))));
}

function modelRow(model) {
  const first = model.scores[0];
  const score = first ? `${first.title} ${rounded(first.value)} on the ${first.split === "test" ? "test" : "validation"} rows` : "";
  return h("tr", { "data-key": `model ${model.id}` },
    h("th", { scope: "row" }, h("a", { href: `/models/${model.id}` }, `Model ${model.id}`)),
    cell("State", "trained"),
    cell("Submitted", `${ago(model.submitted)} by ${model.owner}`),
    cell("Score", score, { class: "soft small" }),
    h("td", {}));
}

function row(job, refresh) {
  const mine = root.role === "admin" || (root.role === "member" && job.owner === root.user);
  return h("tr", { "data-key": job.id },
    h("th", { scope: "row" }, `${KINDS[job.kind][0].toUpperCase()}${KINDS[job.kind].slice(1)}`),
    cell("State", state(job.state)),
    cell("Submitted", `${ago(job.submitted)} by ${job.owner}`),
    cell("Why", sentence(job.wait?.sentence ?? job.reason), { class: "soft small" }),
    h("td", { class: "number" }, mine ? h("button", { type: "button", class: "danger", "aria-label": `Cancel the ${KINDS[job.kind]}`, onclick: () => cancel(job, refresh) }, "Cancel") : ""));
}

function cancel(job, refresh) {
  const what = KINDS[job.kind];
  ask({ title: `Cancel the ${what}?`, action: `Cancel the ${what}`, danger: true, text: "The search and its trials stay." }, async () => {
    await post(`/jobs/${job.id}/cancel`);
    await refresh();
    toast(`The ${what} is cancelled.`);
  });
}
