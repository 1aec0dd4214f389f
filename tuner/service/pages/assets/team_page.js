// Team: users and tokens for admins, one's own tokens for everybody, and the audit log.

import { get, path, patch, post, remove } from "./api.js";
import { announce, at, h, show, toast } from "./dom.js";
import { ask } from "./dialogs.js";
import { ago, listed, when } from "./format.js";
import { alert, cell, empty } from "./parts.js";

const { user: self, role } = document.documentElement.dataset;
const isAdmin = role === "admin";
const ROLES = [["viewer", "viewer: reads"], ["member", "member: submits, changes what is theirs"], ["admin", "admin: everything"]];
const LIVES = [["", "does not end"], ["7d", "7 days"], ["30d", "30 days"], ["90d", "90 days"], ["365d", "a year"]];
const cursors = [null];
let shown = self;

const button = (title, onclick, attributes = {}) => h("button", { type: "button", onclick, ...attributes }, title);

async function loadUsers() {
  if (!isAdmin) return;
  try {
    const { items } = await get("/users");
    show(at("users"), items.length ? h("table", { class: "cards" },
      h("thead", {}, h("tr", {}, ["User", "Role", "Since", "Actions"].map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, items.map((each) => h("tr", { "data-key": each.name }, h("th", { scope: "row" }, each.name, each.name === self ? h("span", { class: "soft" }, " (you)") : ""),
        cell("Role", each.role), cell("Since", ago(each.created)),
        h("td", {}, h("div", { class: "actions" }, button("Tokens", () => choose(each.name)), each.name === self ? "" : [button("Role", () => changeRole(each)), button("Remove", () => removeUser(each), { class: "danger" })])))))) : empty("No user yet", "Whoever has the printed link may do everything. The first user must be an admin. With it, the printed link ends."));
  } catch (error) {
    show(at("users"), alert(error));
  }
}

function addUser() {
  ask({ title: "Add a user", action: "Add", fields: [
    { name: "name", label: "Name", required: true, placeholder: "anna", autocomplete: "off", hint: "Small letters, digits and . _ @ -" },
    { name: "role", label: "Role", options: ROLES, value: "member" },
    { name: "expires", label: "The first token", options: LIVES, value: "" },
  ] }, async (values) => {
    const issued = await post("/users", values);
    await loadUsers();
    secret(issued);
  });
}

function changeRole(user) {
  ask({ title: `Role of ${user.name}`, action: "Change", fields: [{ name: "role", label: "Role", options: ROLES, value: user.role }] }, async (values) => {
    await patch(`/users${path(user.name)}`, values);
    await loadUsers();
    toast(`${user.name} has the role ${values.role}.`);
  });
}

function removeUser(user) {
  ask({ title: `Remove ${user.name}?`, action: "Remove the user", danger: true, text: "All tokens and logins of the user end. Studies stay." }, async () => {
    await remove(`/users${path(user.name)}`);
    if (shown === user.name) choose(self);
    await loadUsers();
  });
}

function choose(name) {
  shown = name;
  at("tokens-title").textContent = name === self ? "Your tokens" : `Tokens of ${name}`;
  return loadTokens();
}

async function loadTokens() {
  if (shown === "local") {
    at("new-token").hidden = true;
    return show(at("tokens"), h("p", { class: "soft" }, "You came by the printed link. Add a user to make tokens for programs."));
  }
  try {
    const { items } = await get(`/users${path(shown)}/tokens`);
    show(at("tokens"), items.length ? h("table", { class: "cards" },
      h("thead", {}, h("tr", {}, ["Token", "For", "Made", "Used", "Ends", "Actions"].map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, items.map((each) => h("tr", { "data-key": each.id }, h("th", { scope: "row", class: "mono" }, each.id), cell("For", each.label || "–"), cell("Made", ago(each.created)), cell("Used", each.used ? ago(each.used) : "never"), cell("Ends", each.expires ? when(each.expires) : "never"),
        h("td", {}, button("Revoke", () => revoke(each), { class: "danger" })))))) : empty("No token", "Programs and the command line log in with a token."));
  } catch (error) {
    show(at("tokens"), alert(error));
  }
}

function addToken() {
  ask({ title: `New token for ${shown}`, action: "Make the token", fields: [{ name: "label", label: "What it is for", placeholder: "laptop" }, { name: "expires", label: "Its life", options: LIVES, value: "90d" }] }, async (values) => {
    const issued = await post(`/users${path(shown)}/tokens`, values);
    await loadTokens();
    secret(issued);
  });
}

function revoke(token) {
  ask({ title: "Revoke the token?", action: "Revoke", danger: true, text: "Programs that use it lose access at once. Logins that began with it end." }, async () => {
    await remove(`/users${path(shown)}/tokens${path(token.id)}`);
    await loadTokens();
  });
}

function secret(issued) {
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(issued.token);
    copy.textContent = "Copied";
  });
  show(at("secret"), h("div", { class: "card" }, h("h2", {}, `The token of ${issued.user}`), h("p", { class: "soft" }, "It is shown this once. Copy it now."), h("div", { class: "secret" }, h("code", {}, issued.token), copy)));
  at("secret").scrollIntoView({ block: "nearest" });
  announce("The new token is shown once at the top of the page.");
}

async function loadAudit() {
  if (!isAdmin) return;
  try {
    const page = await get("/audit", { limit: 30, cursor: cursors.at(-1) });
    show(at("audit"), page.items.length ? h("table", { class: "cards" },
      h("thead", {}, h("tr", {}, ["Time", "User", "Request", "Answer", "Address"].map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, page.items.map((each) => h("tr", { "data-key": each.id }, cell("Time", when(each.at)), cell("User", each.actor || "failed login"), h("td", { class: "mono" }, each.action.replace("/api/v1", "")), cell("Answer", String(each.status), { class: each.status >= 400 ? "bad" : null }), cell("Address", each.address))))) : h("p", { class: "soft" }, "Nothing was changed yet."),
    page.next || cursors.length > 1 ? h("nav", { class: "pager", "aria-label": "Pages of the audit log" }, button("Newer", () => { cursors.pop(); loadAudit(); }, { disabled: cursors.length === 1 }), button("Older", () => { cursors.push(page.next); loadAudit(); }, { disabled: !page.next })) : "");
  } catch (error) {
    show(at("audit"), alert(error));
  }
}

const HEARD = { done: "a study is done", failed: "a study failed", best: "a new best trial" };

async function loadWebhooks() {
  if (role === "viewer") return;
  try {
    const [hooks, sent] = await Promise.all([get("/webhooks"), get("/webhooks/deliveries")]);
    const last = sent[0];
    show(at("webhooks"), hooks.length ? h("table", { class: "cards" },
      h("thead", {}, h("tr", {}, ["Address", "Hears of", "Signed", "Actions"].map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, hooks.map((each) => h("tr", { "data-key": each.id }, h("th", { scope: "row" }, each.url), cell("Hears of", listed(each.on.map((event) => HEARD[event] ?? event))), cell("Signed", each.signed ? "yes" : "no"),
        h("td", {}, button("Remove", () => dropWebhook(each), { class: "danger" })))))) : empty("No webhook", "Add the address of a Slack channel or of a program. It hears of your studies."),
    last ? h("p", { class: "soft small" }, last.error ? `The last message, about ${last.study}, failed: ${last.error}` : `The last message, about ${last.study}, went to ${last.host}.`) : "");
  } catch (error) {
    show(at("webhooks"), alert(error));
  }
}

function addWebhook() {
  ask({ title: "Add a webhook", action: "Add", fields: [
    { name: "url", label: "Address", type: "url", required: true, placeholder: "https://hooks.slack.com/services/..." },
    { name: "on", label: "Hears of", value: "done,failed", options: [["done,failed", "the end of a study"], ["done,failed,best", "the end of a study and each best trial"], ["failed", "failures alone"]] },
    { name: "secret", label: "Secret", placeholder: "optional", autocomplete: "off", hint: "With a secret, each message is signed." },
  ] }, async (values) => {
    await post("/webhooks", { ...values, on: values.on.split(",") });
    await loadWebhooks();
  });
}

async function dropWebhook({ id }) {
  await remove(`/webhooks/${id}`);
  await loadWebhooks();
}

if (isAdmin) at("new-user").onclick = addUser;
at("new-token").onclick = addToken;
if (role !== "viewer") at("new-webhook").onclick = addWebhook;
loadUsers();
choose(self);
loadWebhooks();
loadAudit();
