// The API, from its OpenAPI document: each route with what it takes, what it answers, and a line of curl.

import { at, h, show } from "./dom.js";
import { alert, cell } from "./parts.js";

const VERBS = ["get", "post", "put", "patch", "delete"];

async function load() {
  const answer = await fetch("/api/openapi.json");
  if (!answer.ok) return show(at("routes"), alert(new Error("The OpenAPI document cannot be read.")));
  const document = await answer.json();
  const routes = Object.entries(document.paths).flatMap(([path, verbs]) => VERBS.filter((verb) => verb in verbs).map((verb) => ({ path, verb, ...verbs[verb] })));
  const groups = [...new Set(routes.map((route) => route.tags?.[0] ?? "other"))];
  return show(at("routes"), groups.map((group) => h("section", { class: "card", "aria-label": group }, h("h2", {}, group[0].toUpperCase() + group.slice(1)),
    routes.filter((route) => (route.tags?.[0] ?? "other") === group).map((route) => one(route, document)))));
}

function one(route, document) {
  const body = Object.values(route.requestBody?.content ?? {})[0]?.schema;
  const good = Object.entries(route.responses).find(([status]) => status.startsWith("2"));
  const result = Object.values(good?.[1].content ?? {})[0]?.schema;
  return h("details", { class: "route" },
    h("summary", {}, h("span", { class: `verb ${route.verb}` }, route.verb.toUpperCase()), h("code", {}, route.path), h("span", { class: "soft" }, firstLine(route.description ?? route.summary))),
    h("div", { class: "stack" },
      route.description?.includes("\n") ? h("p", { class: "soft" }, route.description.split("\n").slice(1).join(" ")) : "",
      route.parameters?.length ? fields("Parameters", route.parameters.map((each) => [each.name, nameOf(each.schema), each.description ?? each.schema.description ?? "", each.required])) : "",
      body ? shape("Body", body, document) : "",
      result ? shape(`Answer ${good[0]}`, result, document) : "",
      h("p", { class: "soft small" }, "Problems: ", Object.keys(route.responses).filter((status) => status >= "4").join(", ") || "none"),
      h("pre", { class: "text", tabindex: 0 }, curl(route, body))));
}

function firstLine(text = "") {
  return text.split("\n")[0];
}

function nameOf(schema = {}) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.anyOf) return schema.anyOf.map(nameOf).join(" or ");
  if (schema.enum) return schema.enum.join(", ");
  if (schema.const) return String(schema.const);
  if (schema.type === "array") return `list of ${nameOf(schema.items)}`;
  return schema.format ?? schema.type ?? "any";
}

function resolved(schema, document) {
  return schema.$ref ? document.components.schemas[schema.$ref.split("/").at(-1)] : schema;
}

function shape(title, schema, document) {
  const whole = resolved(schema.type === "array" ? schema.items : schema, document) ?? {};
  const needed = new Set(whole.required ?? []);
  const rows = Object.entries(whole.properties ?? {}).map(([name, each]) => [name, nameOf(each), each.description ?? "", title === "Body" && needed.has(name)]);
  return rows.length ? fields(`${title}: ${nameOf(schema)}`, rows) : h("p", { class: "soft small" }, `${title}: ${nameOf(schema)}`);
}

function fields(title, rows) {
  return h("div", {}, h("h3", {}, title), h("div", { class: "scroll" }, h("table", { class: "cards" }, h("tbody", {}, rows.map(([name, kind, text, needed]) => h("tr", {},
    h("th", { scope: "row", class: "mono" }, name, needed ? h("span", { class: "soft" }, " required") : ""), cell("Type", kind), h("td", { class: "soft" }, text)))))));
}

function curl({ path, verb }, body) {
  const parts = [verb === "get" ? "curl" : `curl -X ${verb.toUpperCase()}`, '-H "Authorization: Bearer $TUNER_TOKEN"', body ? "-H 'Content-Type: application/json' -d '{...}'" : "", `${location.origin}${path}`];
  return parts.filter(Boolean).join(" ");
}

load();
