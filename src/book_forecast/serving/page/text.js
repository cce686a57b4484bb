// Numbers, days and models as text, and helpers for elements. No text is ever parsed as HTML.

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en-GB", {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const signedWhole = new Intl.NumberFormat("en-GB", {
  maximumFractionDigits: 0,
  signDisplay: "exceptZero",
});
const signedTenths = new Intl.NumberFormat("en-GB", {
  maximumFractionDigits: 1,
  signDisplay: "exceptZero",
});
const day = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});

const longDay = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

export const UNKNOWN = "–";

const or = (value, write) => (value === null || value === undefined ? UNKNOWN : write(value));

const minus = (text) => text.replace("-", "\u2212");

// Half a copy matters for a title that sells three. What rounds to ten is ten, and not 10.0.
export const copies = (value) =>
  or(value, (n) => (n > 0 && n < 9.95 ? tenths : whole).format(n));
export const count = (value) => or(value, (n) => whole.format(n));
export const signedCopies = (value) =>
  or(value, (n) => minus((Math.abs(n) < 10 ? signedTenths : signedWhole).format(n)));
export const percent = (n) => `${n}\u00a0%`;
export const share = (value) => or(value, (n) => percent(whole.format(100 * n)));
export const signedShare = (value) => or(value, (n) => percent(minus(signedWhole.format(100 * n))));
export const date = (iso) => or(iso, (text) => day.format(new Date(text)));
export const longDate = (iso) => or(iso, (text) => longDay.format(new Date(text)));
export const weeks = (n) => `${n} ${n === 1 ? "week" : "weeks"}`;

export const BASELINE = "seasonal_naive";
const MODELS = { sarima: "SARIMA", [BASELINE]: "Same week last year" };

export function model(name) {
  const text = name.replaceAll("_", " ");
  return MODELS[name] ?? text.charAt(0).toUpperCase() + text.slice(1);
}

export const at = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// A name by itself: one that is written from right to left does not turn what is around it.
export const name = (text) => element("bdi", {}, text);

// Lets the browser open new tabs and windows by itself.
export const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);

export function row(...cells) {
  const [head, ...rest] = cells;
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, head),
    ...rest.map((text) => element("td", { class: "number" }, text)),
  );
}
