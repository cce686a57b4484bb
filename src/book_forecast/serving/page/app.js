// The planner's page: reacts to what is clicked and typed, and fetches what is shown.

import { addressOf, limitHorizon, readAddress } from "./address.js";
import { Refusal, ask, download, forgetToken, hasToken, health, storeToken } from "./api.js";
import { makeControls, markControls, writeHorizon } from "./controls.js";
import { draw } from "./plot.js";
import { showProblem, showRelease } from "./release.js";
import { Search } from "./search.js";
import { at } from "./text.js";
import { showBook, showForecast, showNumbers } from "./title.js";
import { Titles } from "./titles.js";

const PATIENCE_MS = 120;
const RETRY_MS = 5_000;

let state = readAddress();
let about = null; // the release, as the service describes it
let shown = null; // { isbn, book, history, forecast, demand }
let asked = null;
let retrying = null;

const handlers = { choose: (isbn) => go({ isbn }, true), fail };
new Search(at("search-form"), handlers);
const titles = new Titles(document.querySelector(".titles"), {
  ...handlers,
  promoted: (promotion) => showRelease(about, promotion),
});

makeControls(go);
at("horizon").addEventListener("input", slide);
at("csv").addEventListener("click", fetchFile);
at("xlsx").addEventListener("click", fetchFile);
at("numbers").addEventListener("toggle", () => shown && showNumbers(shown));
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
    showRelease(about, books.changes.promotion);
    limitHorizon(books.longest_horizon);
    at("horizon").max = books.longest_horizon;
    state = readAddress();
  } catch (error) {
    fail(error);
    return;
  }
  at("alert").hidden = true;
  // An element with the focus must not vanish with it.
  if (document.activeElement === at("retry")) at("main").focus({ preventScroll: true });
  at("retry").hidden = true;
  at("token-form").hidden = true;
  at("content").hidden = false;
  titles.start();
  show();
  showProblem();
}

function go(change, chosen = false) {
  state = { ...state, ...change };
  if (addressOf(state) !== location.search) history.pushState(null, "", addressOf(state));
  return show(chosen);
}

// A slider that is dragged must not leave a hundred addresses behind.
let sliding = null;
function slide() {
  state.horizon = Number(at("horizon").value);
  writeHorizon(state.horizon);
  clearTimeout(sliding);
  sliding = setTimeout(() => {
    history.replaceState(null, "", addressOf(state));
    show();
  }, PATIENCE_MS);
}

async function show(chosen = false) {
  asked?.abort();
  markControls(state);
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
  if (shown.book !== before?.book) showBook(shown.book);
  if (shown.forecast.release !== about.release) renew();
  showForecast(shown, state);
  showNumbers(shown);
  if (chosen) {
    at("book-title").focus({ preventScroll: true });
    at("book").scrollIntoView({ block: "start" });
  }
  await redraw();
}

// Only the forecast and its sum are fetched for a title that is shown, unless another release is served by now.
async function fetched(signal) {
  const { isbn, horizon, level } = state;
  const path = `books/${encodeURIComponent(isbn)}`;
  const asking = Promise.all([
    ask(`${path}/forecast?horizon=${horizon}&level=${level}`, signal),
    ask(`${path}/demand?weeks=${horizon}&level=${level}`, signal),
  ]);
  if (shown?.isbn === isbn) {
    const [forecast, demand] = await asking;
    const { release, cutoff } = shown.forecast;
    if (forecast.release === release && forecast.cutoff === cutoff) {
      return { ...shown, forecast, demand };
    }
  }
  const [book, past, [forecast, demand]] = await Promise.all([
    ask(path, signal),
    ask(`${path}/history`, signal),
    asking,
  ]);
  return { isbn, book, history: past, forecast, demand };
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
  showProblem();
}

async function redraw() {
  if (!shown) return;
  const drawn = await draw(at("plot"), shown.history, shown.forecast, state.level, state.span);
  at("plot").hidden = !drawn;
  at("plot").removeAttribute("aria-busy");
  at("plot-missing").hidden = drawn;
  if (!drawn) at("numbers").open = true;
}

// Without a token, the browser downloads the link by itself.
async function fetchFile(event) {
  if (!hasToken()) return;
  event.preventDefault();
  try {
    await download(event.currentTarget.getAttribute("href"));
  } catch (error) {
    fail(error);
  }
}

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
  // Other refusals are about the request, and would be the same again.
  if (error.status === 0 || error.status >= 500) {
    at("retry").hidden = false;
    clearTimeout(retrying);
    retrying = setTimeout(start, RETRY_MS);
  }
}

// A text that is shown already must not be read out at each retry.
function warn(text) {
  if (at("alert").hidden || at("alert").textContent !== text) at("alert").textContent = text;
  at("alert").hidden = false;
}

function useToken(event) {
  event.preventDefault();
  storeToken(at("token").value.trim());
  at("token").value = "";
  start();
}
