// Live pages: server-sent events say what changed, and the page reads it anew.

const NAMES = ["opened", "started", "reported", "ended", "set back", "stopping", "worker", "note", "trouble", "closed", "job"];

/**
 * Follow events. The browser connects again by itself, and goes on after the last event that it has seen.
 *
 * `seen` gets each event as an object. `alive` gets whether there is a connection.
 */
export function follow(address, seen, alive = showConnection) {
  const source = new EventSource(address);
  const handle = (message) => {
    alive(true);
    seen(read(message));
  };
  for (const name of NAMES) source.addEventListener(name, handle);
  source.onmessage = handle;
  source.onopen = () => alive(true);
  source.onerror = () => alive(false);
  addEventListener("pagehide", () => source.close());
  return source;
}

function read(message) {
  try {
    return { event: message.type, ...JSON.parse(message.data) };
  } catch {  // an event without data
    return { event: message.type };
  }
}

let losing = null;

function showConnection(is) {
  const place = document.getElementById("lost");
  if (is) {
    clearTimeout(losing);
    losing = null;
    place.hidden = true;
  } else losing ??= setTimeout(() => { place.hidden = false; }, 3000);  // each vain try tells of the loss again
}

/** Return a function that runs `work` soon, at most once in `pause` milliseconds, and never twice at a time. */
export function paced(work, pause = 500) {
  let timer = null;
  let running = false;
  let again = false;
  let last = 0;
  const run = async () => {
    timer = null;
    running = true;
    last = performance.now();
    try {
      await work();
    } finally {
      running = false;
      if (again) ask();
      again = false;
    }
  };
  function ask() {
    if (running) again = true;
    else timer ??= setTimeout(run, Math.max(0, pause - (performance.now() - last)));
  }
  return ask;
}
