// The planner's page. What is shown is in the address, so that it can be shared and Back works.

import { Refusal, ask, download, forgetToken, hasToken, health, keepToken } from "./api.js";
import { draw, firstShown } from "./plot.js";
import { Search } from "./search.js";
import { Titles } from "./titles.js";
import {
  BASELINE,
  UNKNOWN,
  copies,
  count,
  date,
  element,
  model,
  percent,
  row,
  share,
  weeks,
} from "./text.js";

const LEVELS = [50, 80, 90, 95, 99];
const SPANS = [
  ["1", "1 year"],
  ["3", "3 years"],
  ["all", "All"],
];
const DEFAULTS = { horizon: 32, level: 80, span: "3" };
const PATIENCE_MS = 120;
const RETRY_MS = 5_000;

const at = (id) => document.getElementById(id);

let longest = 104;
let state = readAddress();
let about = null;
let shown = null; // { isbn, book, history, forecast }
let asked = null;
let retrying = null;

const handlers = { choose: (isbn) => go({ isbn }, true), fail };
new Search(at("search-form"), handlers);
const titles = new Titles(document.querySelector(".titles"), {
  ...handlers,
  promoted: (promotion) => release(about, promotion),
});

segments("level", LEVELS.map((level) => [String(level), percent(level)]), (value) =>
  go({ level: Number(value) }),
);
segments("span", SPANS, (value) => go({ span: value }));
at("horizon").addEventListener("input", slide);
at("csv").addEventListener("click", fetchFile);
at("xlsx").addEventListener("click", fetchFile);
at("numbers").addEventListener("toggle", fillNumbers);
at("retry").addEventListener("click", start);
at("token-form").addEventListener("submit", useToken);
at("home").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go({ isbn: null });
  at("search").focus();
});
addEventListener("popstate", () => {
  state = readAddress();
  show();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

start();

async function start() {
  clearTimeout(retrying);
  try {
    const [served, books] = await Promise.all([ask("release"), ask("books?limit=1")]);
    about = served;
    release(about, books.changes.promotion);
    longest = books.longest_horizon;
    DEFAULTS.horizon = Math.min(DEFAULTS.horizon, longest);
    at("horizon").max = longest;
    state = readAddress();
  } catch (error) {
    fail(error);
    return;
  }
  at("alert").hidden = true;
  // What has the focus must not vanish with it.
  if (document.activeElement === at("retry")) at("main").focus({ preventScroll: true });
  at("retry").hidden = true;
  at("token-form").hidden = true;
  at("content").hidden = false;
  titles.start();
  show();
  stale();
}

// --- The address -----------------------------------------------------------------------------

function readAddress() {
  const query = new URLSearchParams(location.search);
  const horizon = Number(query.get("horizon"));
  const level = Number(query.get("level"));
  const span = query.get("span");
  return {
    isbn: query.get("isbn") || null,
    horizon: Number.isInteger(horizon) && horizon >= 1 ? Math.min(horizon, longest) : DEFAULTS.horizon,
    level: level >= 1 && level <= 99 ? level : DEFAULTS.level,
    span: SPANS.some(([value]) => value === span) ? span : DEFAULTS.span,
  };
}

function address() {
  const query = new URLSearchParams();
  if (state.isbn) query.set("isbn", state.isbn);
  for (const name of ["horizon", "level", "span"]) {
    if (state[name] !== DEFAULTS[name]) query.set(name, state[name]);
  }
  const text = query.toString();
  return text ? `?${text}` : location.pathname;
}

function go(change, chosen = false) {
  state = { ...state, ...change };
  if (address() !== location.search) history.pushState(null, "", address());
  return show(chosen);
}

// A slider that is dragged must not leave a hundred addresses behind.
let sliding = null;
function slide() {
  state.horizon = Number(at("horizon").value);
  horizonText();
  clearTimeout(sliding);
  sliding = setTimeout(() => {
    history.replaceState(null, "", address());
    show();
  }, PATIENCE_MS);
}

// --- What is shown ---------------------------------------------------------------------------

async function show(chosen = false) {
  asked?.abort();
  controls();
  if (!state.isbn) {
    at("book").hidden = true;
    shown = null;
    document.title = "Book forecasts";
    return;
  }
  asked = new AbortController();
  const before = shown;
  at("plot").setAttribute("aria-busy", "true");
  try {
    shown = await fetched(asked.signal);
    at("alert").hidden = true;
  } catch (error) {
    if (error.name !== "AbortError") {
      at("book").hidden = true;
      shown = null;
      fail(error);
    }
    return;
  }
  at("book").hidden = false;
  if (shown.book !== before?.book) aboutBook();
  if (shown.forecast.release !== about.release) renew();
  aboutForecast();
  if (chosen) {
    at("book-title").focus({ preventScroll: true });
    at("book").scrollIntoView({ block: "start" });
  }
  await redraw();
}

// What is known of the title already is kept, unless another release is served meanwhile.
async function fetched(signal) {
  const { isbn, horizon, level } = state;
  const path = `books/${encodeURIComponent(isbn)}`;
  const asking = ask(`${path}/forecast?horizon=${horizon}&level=${level}`, signal);
  if (shown?.isbn === isbn) {
    const forecast = await asking;
    const { release, cutoff } = shown.forecast;
    if (forecast.release === release && forecast.cutoff === cutoff) return { ...shown, forecast };
  }
  const [book, past, forecast] = await Promise.all([
    ask(path, signal),
    ask(`${path}/history`, signal),
    asking,
  ]);
  return { isbn, book, history: past, forecast };
}

// Another release is served than when the page was opened.
async function renew() {
  try {
    about = await ask("release");
  } catch (error) {
    fail(error);
    return;
  }
  await titles.start();
  stale();
}

function aboutBook() {
  const { book } = shown;
  const name = book.title ?? book.isbn;
  document.title = `${name} – Book forecasts`;
  at("book-title").textContent = name;
  at("book-line").textContent = [
    book.author,
    `ISBN ${book.isbn}`,
    book.product_class && `Class ${book.product_class}`,
    model(book.model) + (book.specification ? ` ${book.specification}` : ""),
  ]
    .filter(Boolean)
    .join(" · ");
  scores(book);
}

function aboutForecast() {
  const { forecast } = shown;
  const { weeks: days, mean } = forecast;
  const [{ lower, upper }] = forecast.intervals;
  const first =
    `between ${copies(lower[0])} and ${copies(upper[0])} with a probability of ` +
    `${percent(state.level)}.`;
  at("summary").replaceChildren(
    element("strong", {}, `${copies(mean.reduce((sum, week) => sum + week))} copies`),
    days.length === 1
      ? ` are expected in the week to ${date(days[0])}, and ${first}`
      : ` are expected in ${weeks(days.length)}, to ${date(days.at(-1))}. ` +
          `In the first week ${copies(mean[0])}, and ${first}`,
  );
  const past = shown.history.volumes.slice(firstShown(shown.history, span()));
  at("plot-key").replaceChildren(
    ...key("sales", "Copies sold a week"),
    ...key("forecast", "Copies expected"),
    ...key("band", `${percent(state.level)} interval`),
    ...(past.includes(null) ? key("gap", "Not reported") : []),
  );
  at("plot").setAttribute(
    "aria-label",
    `Plot of copies a week: sales from ${date(shown.history.weeks[0])} to ` +
      `${date(forecast.cutoff)}, and the forecast to ${date(days.at(-1))}. ` +
      "The table below has its numbers.",
  );
  for (const format of ["csv", "xlsx"]) {
    const query = new URLSearchParams({ horizon: state.horizon, level: state.level, format });
    at(format).href = `books/${encodeURIComponent(shown.book.isbn)}/forecast?${query}`;
  }
  fillNumbers();
}

const key = (kind, text) => [
  element("span", {}, element("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), text),
];

function scores(book) {
  const known = book.wape !== null;
  at("scores").hidden = !known;
  at("score-rows").replaceChildren();
  if (!known) {
    at("scores-text").textContent = "This title has not been scored in this release.";
    return;
  }
  at("scores-text").textContent = verdict(book);
  const ratio = (value) => (value === null ? UNKNOWN : value.toFixed(2));
  at("score-rows").append(row(model(book.model), share(book.wape), ratio(book.mase)));
  if (book.model === BASELINE) return;
  at("score-rows").append(
    row(model(BASELINE), share(book.seasonal_naive_wape), ratio(book.seasonal_naive_mase)),
  );
}

function verdict(book) {
  const { wape, seasonal_naive_wape: baseline, fallback_reason: reason } = book;
  const said = [`The last forecast was wrong by ${share(wape)} of the copies sold.`];
  if (book.model === BASELINE) {
    said.push("It is what sold in the same weeks a year before.");
  } else if (baseline) {
    const gain = Math.round(100 * (1 - wape / baseline));
    const beside = `which would have been wrong by ${share(baseline)}`;
    if (gain === 0) said.push("So is what sold in the same weeks a year before.");
    else {
      const better = `${percent(Math.abs(gain))} ${gain > 0 ? "better" : "worse"}`;
      said.push(`That is ${better} than what sold in the same weeks a year before, ${beside}.`);
    }
  }
  if (reason) said.push(`Its model is a simpler one than usual: ${reason}.`);
  return said.join(" ");
}

// The table is long, and most readers never open it.
function fillNumbers() {
  if (!shown || !at("numbers").open) return;
  const { forecast } = shown;
  const [{ lower, upper }] = forecast.intervals;
  at("forecast-rows").replaceChildren(
    ...forecast.weeks.map((week, i) =>
      row(date(week), copies(forecast.mean[i]), copies(lower[i]), copies(upper[i])),
    ),
  );
  const { weeks: days, volumes } = shown.history;
  at("history-rows").replaceChildren(
    ...days
      .map((day, index) => row(date(day), volumes[index] === null ? "not reported" : copies(volumes[index])))
      .reverse(),
  );
}

async function redraw() {
  if (!shown) return;
  const drawn = await draw(at("plot"), shown.history, shown.forecast, state.level, span());
  at("plot").hidden = !drawn;
  at("plot").removeAttribute("aria-busy");
  at("plot-missing").hidden = drawn;
  if (!drawn) at("numbers").open = true;
}

const span = () => (state.span === "all" ? "all" : Number(state.span));

function release(about, promotion) {
  const { manifest } = about;
  at("release-line").textContent = `Sales known to ${date(about.cutoff)} · ${count(about.titles)} titles`;
  const lines = [
    ["Release", about.release],
    ["Made", date(manifest.created)],
    ["Sales known to", date(about.cutoff)],
    ["Titles", count(about.titles)],
    ["Models", mixture(manifest.models)],
    ["Titles with a simpler model", count(manifest.fallbacks)],
    ["Served since", date(about.since)],
    ["Made champion", promotion && `${date(promotion.when)} by ${promotion.who}`],
    ["Why", promotion?.why],
  ];
  at("release").replaceChildren(
    ...lines
      .filter(([, text]) => text)
      .map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))),
  );
}

const mixture = (models) =>
  Object.entries(models)
    .map(([name, n]) => `${model(name)}: ${count(n)}`)
    .join(", ");

// What is served may be older than what should be.
async function stale() {
  const { problem } = await health();
  at("stale").hidden = !problem;
  at("stale").textContent = `These may not be the newest forecasts. The service says: ${problem}`;
}

// --- Controls --------------------------------------------------------------------------------

function segments(id, choices, change) {
  const place = at(id).querySelector(".segments");
  for (const [value, text] of choices) {
    const input = element("input", { type: "radio", name: id, value, id: `${id}-${value}` });
    input.addEventListener("change", () => change(value));
    place.append(input, element("label", { for: input.id }, text));
  }
}

function controls() {
  at("horizon").value = state.horizon;
  horizonText();
  for (const name of ["level", "span"]) {
    // A level of a shared address may be none of those on offer: then none is marked.
    for (const input of at(name).querySelectorAll("input")) {
      input.checked = input.value === String(state[name]);
    }
  }
}

function horizonText() {
  at("horizon-text").textContent = weeks(state.horizon);
  at("horizon").setAttribute("aria-valuetext", weeks(state.horizon));
}

// Without a token, the browser's own download does.
async function fetchFile(event) {
  if (!hasToken()) return;
  event.preventDefault();
  try {
    await download(event.currentTarget.getAttribute("href"));
  } catch (error) {
    fail(error);
  }
}

// --- When something is not as it should be ------------------------------------------------------

async function fail(error) {
  if (!(error instanceof Refusal)) throw error;
  if (error.status === 401 || error.status === 403) {
    at("token-why").textContent = hasToken()
      ? "The service does not take this token."
      : "This service answers only those who have its token.";
    forgetToken();
    at("alert").hidden = true;
    at("content").hidden = true;
    at("token-form").hidden = false;
    at("token").focus();
    return;
  }
  const problem = error.status === 503 ? (await health()).problem : null;
  warn(
    problem
      ? `There are no forecasts to show yet. The service says: ${problem}`
      : error.message,
  );
  // Other refusals are of the question, and would be the same again.
  if (error.status === 0 || error.status >= 500) {
    at("retry").hidden = false;
    clearTimeout(retrying);
    retrying = setTimeout(start, RETRY_MS);
  }
}

// What is said already is not read out again each time that it is tried.
function warn(text) {
  if (at("alert").hidden || at("alert").textContent !== text) at("alert").textContent = text;
  at("alert").hidden = false;
}

function useToken(event) {
  event.preventDefault();
  keepToken(at("token").value.trim());
  at("token").value = "";
  start();
}
