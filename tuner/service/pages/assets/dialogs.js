// A question in a dialog: some fields, one button that does it, the error where it occurs.

import { h } from "./dom.js";
import { alert } from "./parts.js";

/**
 * Ask for values, and do something with them. The dialog stays open with the error if that fails.
 *
 * A field is `{name, label, type, value, hint, options, min, max, required, placeholder}`; the empty text is left out of the values.
 */
export function ask({ title, text = "", fields = [], action, danger = false }, work) {
  const error = h("div");
  const doing = h("button", { type: "submit", class: danger ? "danger" : "main" }, action);
  const form = h("form", { method: "dialog", onsubmit: submit },
    h("h2", {}, title), text ? h("p", { class: "soft" }, text) : "", ...fields.map(field), error,
    h("div", { class: "actions" }, h("button", { type: "button", onclick: () => dialog.close() }, "Back"), doing));
  const dialog = h("dialog", { "aria-label": title }, form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();

  async function submit(event) {
    event.preventDefault();
    doing.disabled = true;
    error.replaceChildren();
    try {
      await work(valuesOf(form, fields));
      dialog.close();
    } catch (problem) {
      error.replaceChildren(alert(problem));
    } finally {
      doing.disabled = false;
    }
  }
}

function field({ name, label, type = "text", value = "", hint = "", options = null, ...rest }) {
  const input = options
    ? h("select", { name, ...rest }, options.map(([each, said]) => h("option", { value: each, selected: String(each) === String(value) }, said)))
    : h("input", { name, type, value, ...rest });
  return h("label", { class: "field" }, h("span", {}, label), input, hint ? h("small", {}, hint) : "");
}

/** Return the values of a form by the names of its fields, numbers as numbers. */
export function valuesOf(form, fields) {
  const pairs = fields.map(({ name, type }) => [name, form.elements[name].value.trim(), type]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== "").map(([name, value, type]) => [name, type === "number" ? Number(value) : value]));
}
