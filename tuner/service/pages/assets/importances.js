// Which parameters matter, as bars. They are computed when they come into view, since that takes seconds.

import { get, path } from "./api.js";
import { h, show } from "./dom.js";
import { amount, sentence } from "./format.js";

const MOST = 12;

/** The importances of a study in a place. */
export class Importances {
  constructor(place, study) {
    this.place = place;
    this.study = study;
  }

  load(detail) {
    const few = (detail.trials.by_state.complete ?? 0) < 4;
    if (few) return show(this.place, h("p", { class: "soft" }, "Importances need at least four complete trials."));
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((each) => each.isIntersecting)) return;
      seen.disconnect();
      this.read();
    });
    seen.observe(this.place);
  }

  async read() {
    show(this.place, h("p", { class: "soft", role: "status" }, "Computing …"));
    try {
      this.render(await get(`/studies${path(this.study)}/importances`));
    } catch (error) {
      show(this.place, h("p", { class: "soft" }, sentence(error.message)));
    }
  }

  render(objectives) {
    show(this.place, objectives.map(({ metric, trials, doubt, parameters }) => {
      const most = Math.max(...parameters.map((each) => each.overall), 1e-12);
      return h("div", { class: "stack" }, objectives.length > 1 ? h("h3", {}, metric) : "",
        h("ul", { class: "bars" }, parameters.slice(0, MOST).map((each) => h("li", { class: each.told_from_chance ? null : "faint" },
          h("span", {}, each.name, each.where ? h("small", { class: "soft" }, ` ${each.where}`) : ""),
          h("div", { class: "meter" }, h("i", { style: { width: `${(100 * each.overall) / most}%` } })),
          h("span", {}, `${Math.round(100 * each.overall)} %`)))),
        h("p", { class: "soft small" }, [`From ${amount(trials, "trial")}.`, sentence(doubt)].filter(Boolean).join(" ")));
    }), h("button", { type: "button", onclick: () => this.read() }, "Compute again"));
  }
}
