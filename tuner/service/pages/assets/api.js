// The public API, as any client uses it: JSON, problem details, keys that make a write safe to repeat.

export const API = "/api/v1";

const REPEATS = 3;
const LONGEST_PAUSE = 5000;  // milliseconds

/** An answer that is not what was asked for; `message` is a sentence for the reader. `pause` is when to ask again, in seconds. */
export class Problem extends Error {
  constructor(status, message, faults = [], pause = null) {
    super(message);
    this.status = status;
    this.faults = faults;
    this.pause = pause;
  }
}

let leaving = false;  // a browser that leaves a page gives its requests up; nobody reads their errors
addEventListener("pagehide", () => { leaving = true; });
addEventListener("pageshow", () => { leaving = false; });

let whoami = null;

/** Return the user of the session, with the token that a write of the session must carry. */
export const me = () => (whoami ??= get("/me").catch((error) => {
  whoami = null;
  throw error;
}));

/** Return the path of parts, each escaped. */
export const path = (...parts) => parts.map((part) => `/${encodeURIComponent(part)}`).join("");

/** Return the answer to a GET; `query` leaves out what is null or empty. */
export function get(where, query = {}, options = {}) {
  const set = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(set.flatMap(([name, value]) => [value].flat().map((each) => [name, each])));
  return patiently(() => call("GET", set.length ? `${where}?${search}` : where, undefined, options), options);
}

/** Return the answer to a GET, or something else where nothing is there yet. */
export async function getOr(other, where, query = {}) {
  try {
    return await get(where, query);
  } catch (error) {
    if (error.status !== 404 && error.status !== 409) throw error;  // it is not there, or not yet
    return other;
  }
}

/** Return the answer to a write. One key goes with all its repeats, so that it is done once. */
export const post = (where, body = {}, options = {}) => write("POST", where, body, options);
export const patch = (where, body, options = {}) => write("PATCH", where, body, options);
export const remove = (where, options = {}) => write("DELETE", where, undefined, options);

function write(method, where, body, options) {
  const headers = { "Idempotency-Key": newKey(), ...options.headers };
  return patiently(() => call(method, where, body, { ...options, headers }), options, 0, 503);
}

/** Return what `ask` returns. Repeat it quietly, a few times, when the answer says when, or has one of these states. */
async function patiently(ask, { signal }, ...states) {
  for (let repeat = 0; ; repeat += 1) {
    try {
      return await ask();
    } catch (error) {
      const seconds = [409, 503].includes(error.status) ? error.pause : null;
      if (repeat === REPEATS || (seconds === null && !states.includes(error.status))) throw error;
      await pause(Math.min(seconds === null ? 500 * 2 ** repeat : 1000 * seconds, LONGEST_PAUSE), signal);
    }
  }
}

/** Wait some milliseconds, or until the reader wants no answer any more. */
function pause(time, signal) {
  return new Promise((done, failed) => {
    const timer = setTimeout(done, time);
    signal?.addEventListener("abort", () => { clearTimeout(timer); failed(signal.reason); }, { once: true });
  });
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function call(method, where, body, { headers = {}, signal, open = false } = {}) {
  const isForm = body instanceof FormData;
  const request = { method, signal, credentials: "same-origin", headers: { Accept: "application/json", ...headers } };
  if (method !== "GET" && !open) request.headers["X-CSRF-Token"] = (await me()).csrf ?? "";
  if (body !== undefined) request.body = isForm ? body : JSON.stringify(body);
  if (body !== undefined && !isForm) request.headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(API + where, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (leaving) return new Promise(() => {});
    throw new Problem(0, "The server cannot be reached. Check that it runs, then try again.");
  }
  if (answer.status === 401 && !location.pathname.startsWith("/login")) {
    toLogin();
    return new Promise(() => {});
  }
  if (!answer.ok) throw await problemOf(answer);
  if (answer.status === 204) return null;
  return answer.json();
}

async function problemOf(answer) {
  const given = answer.headers.get("Retry-After");
  const seconds = /^\d+$/.test(given ?? "") ? Number(given) : null;
  try {
    const told = await answer.json();
    return new Problem(answer.status, told.detail ?? told.title, told.faults ?? [], seconds);
  } catch {  // a proxy in between answers with a page of its own
    return new Problem(answer.status, `The server answered ${answer.status} ${answer.statusText}.`, [], seconds);
  }
}

/** Go to the login, and come back afterwards. */
export function toLogin() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}
