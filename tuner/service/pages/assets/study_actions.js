// The buttons of a study: which fit its state and its reader, what they ask, and what they do.

import { path, patch, post, remove } from "./api.js";
import { h, show, toast } from "./dom.js";
import { ask } from "./dialogs.js";

const root = document.documentElement.dataset;
const ACTIVE = ["queued", "starting", "running"];

/** Show the buttons of a study; `refresh` is called after each change. */
export function actions(place, study, refresh) {
  const here = `/studies${path(study.name)}`;
  const mine = root.role === "admin" || (root.role === "member" && study.owner === root.user);
  const may = root.role !== "viewer";
  const made = study.space !== null;
  const has = (study.trials.by_state.complete ?? 0) > 0;
  const single = study.metrics.length === 1;
  const plain = (verb, said) => async () => {
    try {
      await post(`${here}/${verb}`);
      await refresh();
      toast(said);
    } catch (error) {
      toast(error.message);
    }
  };
  const is = (...states) => states.includes(study.state);
  const button = (name, onclick, attributes = {}) => h("button", { type: "button", onclick, ...attributes }, name);
  const main = [
    mine && is(...ACTIVE) && study.job !== null && button("Suspend", plain("suspend", "The study is being suspended. It loses at most one epoch.")),
    mine && made && (is("suspended", "failed", "cancelled") || (study.job === null && !is("running"))) && button("Resume", plain("resume", "The study is queued."), { class: "main" }),
    mine && made && study.job !== null && !is("suspending") && button("More trials", () => more(study, here, refresh)),
    mine && made && has && single && button("Confirm", () => confirm(here, refresh)),
    mine && made && has && button("Train", () => train(study, here, refresh), is("done") ? { class: "main" } : {}),
  ];
  const rest = [
    may && made && h("a", { href: `/submit?fork=${encodeURIComponent(study.name)}` }, "Fork"),
    mine && study.job !== null && !is("done", "failed", "cancelled") && button("Priority", () => priority(study, here, refresh)),
    study.trials.ended > 0 && h("a", { href: `/api/v1${here}/report`, target: "_blank", rel: "noopener" }, "Report"),
    has && made && h("a", { href: `/api/v1${here}/export`, download: `${study.name}.yaml` }, "Best config"),
    h("a", { href: `/compare?study=${encodeURIComponent(study.name)}` }, "Compare"),
    mine && study.job !== null && !is("done", "failed", "cancelled") && button("Cancel", () => cancel(study, here, refresh), { class: "danger" }),
    mine && !is("starting", "running", "suspending") && button("Delete", () => erase(study, here), { class: "danger" }),
  ];
  show(place, main, h("details", { class: "menu" }, h("summary", { class: "button" }, "More"), h("ul", {}, rest.filter(Boolean).map((each) => h("li", {}, each)))));
}

const priorityField = (value = 0) => ({ name: "priority", label: "Priority", type: "number", value, min: -9, max: 9, required: true });

function more(study, here, refresh) {
  ask({
    title: "More trials", action: "Set the total",
    text: "A study that has its total is done. A larger total queues it again.",
    fields: [{ name: "trials", label: "Trials in total", type: "number", value: study.trials.total + Math.max(10, Math.round(study.trials.total / 2)), min: 1, required: true }],
  }, async (values) => {
    await patch(here, values);
    await refresh();
    toast(`The total is ${values.trials} trials.`);
  });
}

function confirm(here, refresh) {
  ask({
    title: "Confirm the best trials", action: "Confirm",
    text: "The best trials train again on fresh seeds. The result is a mean with a 95 % confidence interval.",
    fields: [
      { name: "top", label: "Candidates", type: "number", min: 1, placeholder: "from the space" },
      { name: "seeds", label: "Seeds", type: "number", min: 2, placeholder: "from the space" },
      priorityField(),
    ],
  }, async (values) => {
    await post(`${here}/confirm`, values);
    await refresh();
    toast("The confirmation is queued.");
  });
}

function train(study, here, refresh) {
  const waits = study.jobs.some(({ kind, state }) => kind === "confirm" && !["done", "failed", "cancelled"].includes(state));
  ask({
    title: "Train the final model", action: "Train",
    text: `The model trains once more and is stored under Models.${waits ? " A confirmation is under way: wait for it, or the best trial so far is taken." : ""}`,
    fields: [
      { name: "trial", label: "Trial", type: "number", min: 0, placeholder: waits ? "the best so far" : "the confirmed one, else the best" },
      { name: "on", label: "Rows", value: "train+valid", options: [["train+valid", "training and validation rows"], ["train", "training rows alone"]], hint: "With validation rows, the test rows score the model." },
      priorityField(),
    ],
  }, async (values) => {
    await post(`${here}/train`, values);
    await refresh();
    location.assign("/models");
  });
}

function priority(study, here, refresh) {
  ask({
    title: "Priority", action: "Set", text: "Higher priorities start first. They may suspend studies of lower ones.",
    fields: [priorityField(study.priority ?? 0)],
  }, async (values) => {
    await patch(here, values);
    await refresh();
    toast(`The priority is ${values.priority}.`);
  });
}

function cancel(study, here, refresh) {
  ask({ title: `Cancel ${study.name}?`, action: "Cancel the study", danger: true, text: "Its confirmation and trainings end too. Its trials stay. It can be resumed later." }, async () => {
    await post(`${here}/cancel`);
    await refresh();
    toast("The study is cancelled.");
  });
}

function erase(study, here) {
  ask({ title: `Delete ${study.name}?`, action: "Delete the study", danger: true, text: "Its trials, confirmation and files are deleted. Trained models stay. This cannot be undone." }, async () => {
    await remove(here);
    location.assign("/");
  });
}
