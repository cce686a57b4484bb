// The frame of the planner's page: the address, which page is on the screen, the token, and what
// happens while the service does not answer. A page has `load`, which fetches, `draw`, which shows what
// was fetched, `leave`, and `place`, its element. Until all is fetched, the screen stays as it is.

import { addressOf, readAddress } from "./address.js";
import { Refusal, ask, download, forgetToken, hasToken, health, storeToken } from "./api.js";
import { Filters } from "./filters.js";
import { LeftOutPage } from "./left-out-page.js";
import { VIEWS, listQuery, readList } from "./list-address.js";
import { ListPage } from "./list-page.js";
import { showProblem, showRelease } from "./release.js";
import { Search } from "./search.js";
import { at, element, isPlain } from "./text.js";
import { TitlePage } from "./title-page.js";
import { TotalsPage } from "./totals-page.js";
import { PAGES } from "./views.js";

const RETRY_MS = 5_000;
const NAV_MARGIN = 16;

let state = readAddress();
let about = null; // the release, as the service describes it
let shown = null; // the page on the screen
let asked = null;
let retrying = null;

const choose = (isbn) => go({ isbn }, { chosen: true });
const changeList = (settings, options = {}) =>
  go({ isbn: null, list: { ...state.list, page: 1, ...settings } }, options);

const handlers = { choose, fail, change: changeList, again: () => show() };
const titlePage = new TitlePage({
  change: (settings, options) => go({ title: { ...state.title, ...settings } }, options),
  fail,
});
const listPage = new ListPage({
  ...handlers,
  promoted: (promotion) => showRelease(about, promotion),
});
const totalsPage = new TotalsPage(handlers);
const leftOutPage = new LeftOutPage(handlers);
const filters = new Filters(changeList, fail);
new Search(at("search-form"), {
  ...handlers,
  list: (q) => changeList({ ...readList(new URLSearchParams()), q }),
});
makeViews();

at("retry").addEventListener("click", start);
at("token-form").addEventListener("submit", useToken);
at("home").addEventListener("click", (event) => {
  if (!isPlain(event)) return;
  event.preventDefault();
  changeList(readList(new URLSearchParams()));
  at("search").focus();
});
// On paper, plots have the width and the colours of paper; a narrow window has room for fewer dates.
for (const query of ["print", "(max-width: 40rem)"]) {
  matchMedia(query).addEventListener("change", () => {
    showOpenView();
    titlePage.redraw();
  });
}
at("back").addEventListener("click", (event) => {
  if (!isPlain(event)) return;
  event.preventDefault();
  go({ isbn: null });
});
// Without a token, the browser downloads a link by itself.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("#list a[download], #totals-page a[download], #left-out-page a[download]");
  if (!link || !hasToken()) return;
  event.preventDefault();
  try {
    await download(link.getAttribute("href"));
  } catch (error) {
    fail(error);
  }
});
addEventListener("popstate", () => {
  const { list } = state;
  state = readAddress();
  // The address of a title does not have the list that led to it.
  if (state.isbn) state.list = list;
  show();
});

start();

async function start() {
  clearTimeout(retrying);
  try {
    const [served, books] = await Promise.all([ask("release"), ask("books?limit=1")]);
    about = served;
    showRelease(about, books.changes.promotion);
    titlePage.limit(books.longest_horizon);
    totalsPage.limit(books.longest_horizon);
    state = { ...readAddress(), ...(state.isbn ? { list: state.list } : {}) };
  } catch (error) {
    fail(error);
    return;
  }
  at("token-form").hidden = true;
  at("content").hidden = false;
  await show();
  showProblem();
}

// Changes the state, the address and the screen.
function go(change, { chosen = false, replace = false } = {}) {
  state = { ...state, ...change };
  const address = addressOf(state);
  if (replace) history.replaceState(null, "", address);
  else if (address !== location.search) history.pushState(null, "", address);
  return show(chosen);
}

async function show(chosen = false) {
  asked?.abort();
  asked = new AbortController();
  const wanted = state;
  const page = pageOf(wanted);
  let content;
  try {
    content = await page.load(wanted, asked.signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    await fail(error);
    // A title that is not there, or an address that cannot be, still leaves a list on the screen.
    if (isAboutRequest(error) && page === titlePage) await showList(wanted.list);
    else if (isAboutRequest(error) && !shown) {
      state = { ...state, list: readList(new URLSearchParams()) };
      await showList(state.list);
    }
    return;
  }
  settle();
  await reveal(page, content, wanted, chosen);
}

function pageOf({ isbn, list: { view } }) {
  if (isbn) return titlePage;
  return { totals: totalsPage, left_out: leftOutPage }[view] ?? listPage;
}

async function showList(list) {
  const wanted = { ...state, isbn: null, list };
  try {
    await reveal(listPage, await listPage.load(wanted, asked.signal), wanted, false);
  } catch (error) {
    if (error.name !== "AbortError") await fail(error);
  }
}

async function reveal(page, content, wanted, chosen) {
  if (shown !== page) {
    shown?.leave(wanted.isbn);
    if (shown) shown.place.hidden = true;
    page.place.hidden = false;
    shown = page;
  }
  showFrame(page, content, wanted);
  if (content.release !== about.release) renew();
  await page.draw(content, wanted, chosen);
}

// What is around a page: which view is open, the filters, and the way back.
function showFrame(page, content, { list }) {
  const isTitle = page === titlePage;
  for (const link of at("views").children) {
    const { view } = link.dataset;
    link.href = `?${listQuery({ ...list, view, sort: null, order: null, page: 1 })}`;
    const isOpen = !isTitle && view === list.view;
    if (isOpen) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  showOpenView();
  at("filters").hidden = isTitle || page === leftOutPage;
  if (!at("filters").hidden) filters.draw(list, content.facets);
  at("back").hidden = !isTitle;
  const link = at("back").firstElementChild;
  link.href = `?${listQuery(list)}`;
  link.textContent = `Back to the list: ${PAGES[list.view].name}`;
}

// A phone has no room for all views.
function showOpenView() {
  const link = at("views").querySelector("[aria-current]");
  if (link) at("views").scrollLeft = link.offsetLeft - at("views").offsetLeft - NAV_MARGIN;
}

function makeViews() {
  at("views").append(
    ...VIEWS.map((view) => element("a", { href: "./", "data-view": view }, PAGES[view].name)),
  );
  at("views").addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || !isPlain(event)) return;
    event.preventDefault();
    // Filters stay from view to view, the order does not.
    changeList({ view: link.dataset.view, sort: null, order: null });
  });
}

// The service has answered: nothing is wrong any more.
function settle() {
  clearTimeout(retrying);
  at("alert").hidden = true;
  // An element with the focus must not vanish with it.
  if (document.activeElement === at("retry")) at("main").focus({ preventScroll: true });
  at("retry").hidden = true;
}

// Another release is served than when the page was opened.
async function renew() {
  try {
    about = await ask("release");
    showRelease(about, (await ask("books?limit=1")).changes.promotion);
  } catch (error) {
    fail(error);
    return;
  }
  showProblem();
}

// Whether a refusal is about the request, and would be the same again.
const isAboutRequest = ({ status }) => status >= 400 && status < 500 && status !== 401 && status !== 403;

async function fail(error) {
  if (!(error instanceof Refusal)) throw error;
  if (error.status === 401 || error.status === 403) {
    askForToken();
    return;
  }
  const problem = error.status === 503 ? (await health()).problem : null;
  const text = problem
    ? `There are no forecasts to show yet. The service says: ${problem}`
    : plain(error.message);
  if (isAboutRequest(error)) {
    warn(text);
    return;
  }
  warn(shown ? `${text} What is shown stays here, and the page goes on when the service is back.` : text);
  at("retry").hidden = false;
  clearTimeout(retrying);
  retrying = setTimeout(start, RETRY_MS);
}

// What a release is called is for those who make it.
const plain = (text) => text.replace(/is not in release \d[\w.-]*\w/, "has no forecast");

function askForToken() {
  at("token-why").textContent = hasToken()
    ? "The service does not take this token."
    : "This service answers only those who have its token.";
  forgetToken();
  at("alert").hidden = true;
  at("content").hidden = true;
  at("token-form").hidden = false;
  at("token").focus();
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
