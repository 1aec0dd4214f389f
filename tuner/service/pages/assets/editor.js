// A small YAML editor: a text area above a copy of its text, which has colours, line numbers and faults at their lines.

import { h } from "./dom.js";

const HOLES = /^(float|int|choice|list|ref)$/;

/** A YAML editor in a place. `changed` gets the text after each change. */
export class Editor {
  constructor(label, changed) {
    this.faults = new Map();
    this.lines = h("div", { class: "lines", "aria-hidden": "true" });
    this.shown = h("div", { class: "shown", "aria-hidden": "true" });
    this.input = h("textarea", { "aria-label": label, spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", "aria-describedby": "faults" });
    this.element = h("div", { class: "editor", "data-own": true }, this.lines, h("div", { class: "area" }, this.shown, this.input));
    this.input.addEventListener("input", () => {
      this.draw();
      changed(this.text);
    });
    this.input.addEventListener("scroll", () => this.follow());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  get text() {
    return this.input.value;
  }

  set text(text) {
    this.input.value = text;
    this.faults.clear();
    this.draw();
  }

  /** Mark faults at their lines: a list of `{line, message}`. */
  mark(faults) {
    this.faults = new Map();
    for (const { line, message } of faults) if (line !== null && !this.faults.has(line)) this.faults.set(line, message);
    this.input.setAttribute("aria-invalid", String(faults.length > 0));
    this.draw();
  }

  /** Put the cursor at a place; both count from 1. */
  go(line, column = 1) {
    const before = this.text.split("\n").slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    this.input.focus();
    this.input.setSelectionRange(before + column - 1, before + column - 1);
    this.input.scrollTop = Math.max(0, (line - 5) * this.input.scrollHeight / this.text.split("\n").length);
  }

  draw() {
    const texts = this.text.split("\n");
    this.shown.replaceChildren(...texts.map((text, i) => h("div", { class: this.faults.has(i + 1) ? "fault" : null, "data-fault": this.faults.get(i + 1) ?? null }, coloured(text))));
    this.lines.replaceChildren(...texts.map((_, i) => h("b", { class: this.faults.has(i + 1) ? "fault" : null }, String(i + 1))));
    this.follow();
  }

  follow() {
    this.lines.scrollTop = this.input.scrollTop;
    this.shown.scrollTop = this.input.scrollTop;
    this.shown.scrollLeft = this.input.scrollLeft;
  }

  key(event) {
    if (event.key === "Enter" && !event.isComposing) {  // the new line begins below the old one
      const before = this.text.slice(0, this.input.selectionStart).split("\n").at(-1);
      event.preventDefault();
      document.execCommand("insertText", false, `\n${before.match(/^ */)[0]}${/:\s*$/.test(before) ? "  " : ""}`);
    }
  }
}

function coloured(text) {
  const parts = [];
  const comment = text.search(/(^|\s)#/);
  const code = comment < 0 ? text : text.slice(0, comment);
  let rest = 0;
  for (const found of code.matchAll(/([\w.-]+)(?=\s*:(\s|$))/g)) {
    parts.push(code.slice(rest, found.index), h("span", { class: HOLES.test(found[1]) ? "hole" : "key" }, found[1]));
    rest = found.index + found[1].length;
  }
  parts.push(code.slice(rest));
  if (comment >= 0) parts.push(h("span", { class: "comment" }, text.slice(comment)));
  return parts;
}
