// Which parameters matter, as bars. They are computed when they come into view, since that takes seconds.

import { get, path } from "./api.js";
import { h, show } from "./dom.js";
import { rounded, sentence } from "./format.js";

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
    show(this.place, h("p", { class: "soft" }, "Computing …"));
    try {
      this.render(await get(`/studies${path(this.study)}/importances`));
    } catch (error) {
      show(this.place, h("p", { class: "soft" }, sentence(error.message)));
    }
  }

  render({ items }) {
    const most = Math.max(...items.map((each) => each.importance), 1e-12);
    show(this.place, h("ul", { class: "bars" }, items.slice(0, 12).map((each) => h("li", {},
      h("span", {}, each.name), h("div", { class: "meter" }, h("i", { style: { width: `${(100 * each.importance) / most}%` } })), h("span", {}, rounded(each.importance))))),
    h("div", { class: "actions" }, h("button", { type: "button", onclick: () => this.read() }, "Compute again")));
  }
}
