// What every page does: the look, the logout, and the message of an error that nothing else shows.

import { remove } from "./api.js";
import { at, toast } from "./dom.js";

const LOOKS = ["system", "light", "dark"];

function showLook() {
  const look = localStorage.getItem("theme") ?? "system";
  if (look === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = look;
  const button = at("look");
  button.title = `Look: ${look}. Press to change it.`;
  button.querySelector("span").textContent = `Look: ${look}`;
  button.dataset.look = look;
}

at("look").onclick = () => {
  const now = localStorage.getItem("theme") ?? "system";
  localStorage.setItem("theme", LOOKS[(LOOKS.indexOf(now) + 1) % LOOKS.length]);
  showLook();
};
showLook();

const logout = at("logout");
if (logout) logout.onclick = async () => {
  try {
    await remove("/sessions/current");
    sessionStorage.clear();
    location.assign("/login");
  } catch (error) {
    toast(error.message);
  }
};

// A menu closes when the reader goes on elsewhere.
const closeMenus = (except) => document.querySelectorAll("details.menu[open]").forEach((menu) => { if (!menu.contains(except)) menu.open = false; });
addEventListener("click", ({ target }) => closeMenus(target.closest("details.menu li") ? null : target));
addEventListener("focusin", ({ target }) => closeMenus(target));
addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

addEventListener("unhandledrejection", ({ reason }) => { if (reason?.message) toast(reason.message); });
