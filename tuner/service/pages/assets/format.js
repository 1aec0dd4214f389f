// Numbers, times and words for readers, by the rules of tuner/runtime/rounding.py.

/** Return a number with three significant digits; whole numbers keep theirs. */
export function rounded(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 999.5 && size < 1e6) return value.toFixed(0);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace(/\.?0+e/, "e");
  return String(Number(value.toPrecision(3)));
}

/** Return a value of a config as YAML writes it. */
export function valueText(value) {
  if (typeof value === "number") return rounded(value);
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  return JSON.stringify(value) ?? "";
}

/** Return a number of seconds as text: `12 s`, `3 min`, `1 h 20 min`, `2 d 3 h`. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 9.95) return `${rounded(Number(seconds.toPrecision(2)))} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** Return how long ago a moment was. */
export function ago(moment) {
  if (!moment) return "–";
  const seconds = (Date.now() - Date.parse(moment)) / 1000;
  return seconds < 5 ? "just now" : `${duration(seconds)} ago`;
}

/** Return the seconds between two moments; the second is now if it is null. */
export function between(from, to) {
  return from ? ((to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000 : null;
}

/** Return a moment as local date and time. */
export function when(moment, timeStyle = "short") {
  return moment ? new Date(moment).toLocaleString(undefined, { dateStyle: "medium", timeStyle }) : "–";
}

/** Return a count with its noun. */
export function amount(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** Return a number of bytes as text. */
export function bytes(size) {
  if (size < 1000) return `${size} B`;
  if (size < 1e6) return `${rounded(size / 1e3)} kB`;
  return size < 1e9 ? `${rounded(size / 1e6)} MB` : `${rounded(size / 1e9)} GB`;
}

/** Return words as a list: `a, b and c`. */
export function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** Return a sentence with a capital and a full stop. */
export function sentence(text) {
  if (!text) return "";
  const whole = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
