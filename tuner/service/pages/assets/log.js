// The output of a trial, as it grows.

import { API } from "./api.js";
import { h } from "./dom.js";

const PAUSE = 1500;
const MOST = 400000;

/** The output at an address, in a place. It reads on from the last byte that it has. */
export class Log {
  constructor(place, where) {
    this.where = where;
    this.offset = 0;
    this.follows = true;
    this.text = h("pre", { class: "log", tabindex: 0, role: "log", "aria-label": "Output of the trial" });
    this.note = h("span", { class: "soft" });
    const box = h("input", { type: "checkbox", checked: true, onchange: () => { this.follows = box.checked; this.down(); } });
    place.append(h("div", { class: "cardhead" }, h("h2", {}, "Output"), h("span", { class: "actions" }, this.note, h("label", { class: "small" }, box, " Follow"))), this.text);
  }

  async start() {
    try {
      await this.read();
    } catch {  // the connection is lost: the next round tries again
      this.note.textContent = "The server cannot be reached.";
    }
    setTimeout(() => this.start(), document.hidden ? 5 * PAUSE : PAUSE);
  }

  async read() {
    const answer = await fetch(`${API}${this.where}?offset=${this.offset}`, { credentials: "same-origin" });
    if (answer.status === 404 || answer.status === 409) {
      this.note.textContent = "The trial has printed nothing.";
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.text();
    this.offset = Number(answer.headers.get("X-Next-Offset") ?? this.offset + new Blob([found]).size);
    this.note.textContent = this.offset ? "" : "The trial has printed nothing.";
    if (!found) return;
    this.text.append(found);
    if (this.text.textContent.length > MOST) this.text.textContent = this.text.textContent.slice(-MOST / 2);
    this.down();
  }

  down() {
    if (this.follows) this.text.scrollTop = this.text.scrollHeight;
  }
}
