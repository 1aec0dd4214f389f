// The login: a user's token opens a session.

import { post } from "./api.js";
import { at, show } from "./dom.js";
import { alert } from "./parts.js";

const form = at("login");

form.onsubmit = async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  show(at("error"));
  try {
    await post("/sessions", { token: form.elements.token.value.trim() }, { open: true });
    const next = new URLSearchParams(location.search).get("next") ?? "/";
    const to = new URL(next, location.origin);
    location.assign(to.origin === location.origin ? to : "/");
  } catch (error) {
    show(at("error"), alert(error));
    button.disabled = false;
    form.elements.token.select();
  }
};
