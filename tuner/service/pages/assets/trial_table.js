// The trials of a study as a table that is sorted, filtered and paged by the server.

import { get, path } from "./api.js";
import { h, show } from "./dom.js";
import { duration, rounded, valueText } from "./format.js";
import { alert, cell, empty, state, trialHref } from "./parts.js";

const ROWS = 20;

/** What the choices of the filter stand for. */
const STATES = { "": [], complete: ["complete"], pruned: ["pruned"], failed: ["failed", "diverged", "out of memory", "timed out", "lost"], running: ["running"], waiting: ["waiting", "left running"] };

/** A table of trials in a place; `detail` returns a promise of the study. */
export class TrialTable {
  constructor(place, study, detail) {
    this.study = study;
    this.detail = detail;
    this.view = { sort: "number", descending: true, state: "", cursors: [null] };
    this.filter = h("select", { "aria-label": "Show trials in state", onchange: () => this.choose({ state: this.filter.value }) },
      [["", "All states"], ["complete", "Complete"], ["pruned", "Pruned"], ["failed", "Failed"], ["running", "Running"], ["waiting", "Waiting"]].map(([value, said]) => h("option", { value }, said)));
    this.count = h("span", { class: "soft", role: "status" });
    this.body = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of trials" });
    this.pager = h("nav", { class: "pager", "aria-label": "Pages of trials" });
    place.append(h("div", { class: "cardhead" }, h("h2", {}, "Trials"), h("div", { class: "filters" }, this.count, this.filter)), this.body, this.pager);
  }

  choose(changes) {
    Object.assign(this.view, changes, { cursors: [null] });
    return this.load();
  }

  /** Read the rows anew, unless the reader is on a later page. */
  refresh() {
    return this.view.cursors.length === 1 ? this.load() : Promise.resolve();
  }

  async load() {
    const { sort, descending, state: wanted, cursors } = this.view;
    try {
      const query = { sort, descending, history: false, state: STATES[wanted], limit: ROWS, cursor: cursors.at(-1) };
      const page = await get(`/studies${path(this.study)}/trials`, query);
      this.known = await this.detail();
      this.render(page, this.known);
    } catch (error) {
      show(this.body, alert(error));
    }
  }

  render(page, { metrics, parameters }) {
    const columns = [["number", "Trial", ""], [null, "State", ""], ...metrics.map(({ title }, i) => [i || metrics.length > 1 ? null : "value", title, "number"]), [null, "Epoch", "number"], ["seconds", "Time", "number"]];
    this.count.textContent = page.total === 1 ? "1 trial" : `${page.total.toLocaleString("en")} trials`;
    if (!page.items.length) {
      show(this.body, empty("No trial here", this.view.state ? "No trial is in this state." : "Trials appear here when they begin."));
    } else {
      const names = parameters.filter((name) => page.items.some((trial) => name in trial.params));
      show(this.body, h("table", { class: "cards trials" },
        h("thead", {}, h("tr", {}, columns.map((column) => this.heading(...column)), names.map((name) => h("th", { scope: "col", class: "wide" }, name)))),
        h("tbody", {}, page.items.map((trial) => this.row(trial, metrics, names)))));
    }
    const { cursors } = this.view;
    const from = (cursors.length - 1) * ROWS;
    show(this.pager, page.next || cursors.length > 1 ? [
      h("button", { type: "button", disabled: cursors.length === 1, onclick: () => { cursors.pop(); this.load(); } }, "Back"),
      h("span", {}, `${from + 1} to ${from + page.items.length} of ${page.total.toLocaleString("en")}`),
      h("button", { type: "button", disabled: !page.next, onclick: () => { cursors.push(page.next); this.load(); } }, "Next")] : "");
  }

  heading(key, title, kind) {
    if (key === null) return h("th", { scope: "col", class: kind || null }, title);
    const { sort, descending } = this.view;
    const turn = () => this.choose({ sort: key, descending: sort === key ? !descending : key === "number" || (key === "value" && this.known.metrics[0].direction === "maximize") });
    return h("th", { scope: "col", class: kind || null, "aria-sort": sort === key ? (descending ? "descending" : "ascending") : null }, h("button", { type: "button", class: "sort", onclick: turn }, title));
  }

  row(trial, metrics, names) {
    const values = trial.values.length ? trial.values : metrics.map((_, i) => (i ? null : trial.value));
    return h("tr", { "data-key": trial.number, class: trial.ignored ? "target ignored" : "target" },
      h("th", { scope: "row" }, h("a", { href: trialHref(this.study, trial.number) }, trial.number)),
      cell("State", [state(trial.state), trial.ignored ? " ignored" : ""], { title: trial.why || trial.cause || null }),
      metrics.map(({ title }, i) => cell(title, rounded(values[i]), { class: "number value" })),
      cell("Epoch", trial.epoch === null ? "–" : String(trial.epoch), { class: "number" }),
      cell("Time", duration(trial.seconds), { class: "number" }),
      names.map((name) => h("td", { class: "wide number left" }, name in trial.params ? valueText(trial.params[name]) : "")));
  }
}
