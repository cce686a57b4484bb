// The list of titles in one of its views.

import { ask } from "./api.js";
import { bookRow, columnsOf, head } from "./columns.js";
import { FILTERS } from "./list-address.js";
import { Pager } from "./pager.js";
import { at, copies, count, date, element, isPlain, longDate, name, percent } from "./text.js";
import { PAGES, sortOf, usualOrder } from "./views.js";

const PAGE = 50;
const SUMMED_WEEKS = 13;
const LEVEL = 80;
const PATIENCE_MS = 2_000;

export class ListPage {
  constructor({ choose, change, again, promoted }) {
    this.place = at("list");
    this.rows = at("title-rows");
    this.change = change;
    this.again = again;
    this.promoted = promoted;
    this.pager = new Pager(at("list-pager"), PAGE, "titles", (page) => {
      at("list-head").scrollIntoView({ block: "start" });
      change({ page });
    });
    at("title-heads").addEventListener("click", (event) => {
      const column = event.target.closest("[data-sort]");
      if (column && event.target.closest("button")) this.sort(column.dataset.sort);
    });
    this.rows.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link || !isPlain(event)) return;
      event.preventDefault();
      if (link.dataset.isbn) choose(link.dataset.isbn);
      else change({ author: link.dataset.author });
    });
    this.rows.addEventListener("keydown", (event) => this.key(event));
  }

  // A second press turns the order round.
  sort(sort) {
    const now = sortOf(this.list);
    const other = now.order === "asc" ? "desc" : "asc";
    return this.change({ sort, order: now.sort === sort ? other : usualOrder(sort) });
  }

  load({ list }, signal) {
    const query = selectionOf(list);
    query.set("view", list.view);
    for (const [key, value] of Object.entries(sortOf(list))) query.set(key, value);
    query.set("offset", PAGE * (list.page - 1));
    query.set("limit", PAGE);
    query.set("sparklines", true);
    query.set("facets", true);
    return ask(`books?${query}`, signal);
  }

  draw(content, { list }) {
    clearTimeout(this.timer);
    this.list = list;
    const page = PAGES[list.view];
    document.title = `${page.name} – Book forecasts`;
    at("list-head").textContent = page.name;
    const { last_week: counted } = content.stock;
    const stock = list.view === "runs_out" && counted ? ` It was counted on ${longDate(counted)}.` : "";
    at("list-about").textContent = page.about + stock;
    const columns = columnsOf(list.view, content.stock.n_titles > 0);
    this.showHeads(columns, sortOf(list));
    this.rows.replaceChildren(...content.books.map((book) => bookRow(book, columns, list)));
    at("titles").hidden = content.total === 0;
    this.pager.show(list.page, content.total);
    this.tell(content, list);
    this.followChanges(content);
    showLeftOut(content.left_out);
    this.offer(list);
    this.focus();
  }

  leave(isbn) {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.left = isbn;
  }

  // The same heads stay, so that the button that was pressed keeps the focus.
  showHeads(columns, { sort, order }) {
    const heads = columns.map((column) => column.id).join(" ");
    if (heads !== this.heads) at("title-heads").replaceChildren(head(columns));
    this.heads = heads;
    for (const column of at("title-heads").querySelectorAll("[data-sort]")) {
      if (column.dataset.sort === sort) {
        column.setAttribute("aria-sort", order === "asc" ? "ascending" : "descending");
      } else column.removeAttribute("aria-sort");
    }
  }

  // How many titles there are, and what they sell together.
  async tell(content, list) {
    const line = at("titles-line");
    const is = content.total === 1 ? "title" : "titles";
    const few = content.is_similar
      ? `No title has exactly these words. ${count(content.total)} ${is} with similar words`
      : `${count(content.total)} ${is}`;
    line.textContent = content.total ? `${few}.` : nothing(list);
    this.asked?.abort();
    if (!content.total) return;
    this.asked = new AbortController();
    const query = selectionOf(list);
    query.set("view", list.view);
    query.set("weeks", SUMMED_WEEKS);
    query.set("level", LEVEL);
    let sum;
    try {
      [sum] = (await ask(`totals?${query}`, this.asked.signal)).totals;
    } catch {
      return; // the list itself tells what is wrong
    }
    const [{ lower, upper }] = sum.intervals;
    line.replaceChildren(
      `${few}. In the next ${SUMMED_WEEKS} weeks they sell about `,
      element("strong", {}, `${copies(sum.mean)} copies`),
      ` together, between ${copies(lower)} and ${copies(upper)} with a probability of ` +
        `${percent(LEVEL)}.`,
    );
  }

  // The comparison with the release before comes a moment after a release is served.
  followChanges({ changes }) {
    at("changes-line").textContent = {
      ready:
        `Changes are against the forecast of ${date(changes.before?.slice(0, 10))}, added up ` +
        "over the weeks that both forecast, at most 32.",
      pending: "The changes are being worked out.",
      none: "This is the first release here: there is none to compare with.",
      failed: "The release before cannot be read: changes are unknown.",
    }[changes.state];
    if (changes.state === "pending") this.timer = setTimeout(() => this.again(), PATIENCE_MS);
    else this.promoted(changes.promotion);
  }

  offer(list) {
    const query = selectionOf(list);
    query.set("view", list.view);
    for (const [key, value] of Object.entries(sortOf(list))) query.set(key, value);
    for (const format of ["csv", "xlsx"]) at(`list-${format}`).href = `export?format=${format}&${query}`;
  }

  // Back from a title, the keyboard goes on where it was.
  focus() {
    if (!this.left) return;
    const link = this.rows.querySelector(`a[data-isbn="${CSS.escape(this.left)}"]`);
    this.left = null;
    link?.focus({ preventScroll: true });
    link?.scrollIntoView({ block: "center" });
  }

  key(event) {
    const links = [...this.rows.querySelectorAll("a[data-isbn]")];
    const now = links.indexOf(document.activeElement);
    const to = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: links.length - 1 }[event.key];
    if (now === -1 || to === undefined || !isPlain(event)) return;
    event.preventDefault();
    links[Math.max(0, Math.min(to, links.length - 1))].focus();
  }
}

// What chooses the titles, as the service's parameters.
export function selectionOf(list) {
  const query = new URLSearchParams();
  if (list.q) query.set("q", list.q);
  for (const field of FILTERS) if (list[field] !== null) query.set(field, list[field]);
  return query;
}

function nothing(list) {
  const isFiltered = list.q || FILTERS.some((field) => list[field] !== null);
  return isFiltered ? "No title matches." : (PAGES[list.view].none ?? "There are no titles.");
}

// A title that was searched for may have no forecast: the reason answers the search.
export function showLeftOut(leftOut) {
  at("left-out-beside").hidden = !leftOut?.total;
  if (!leftOut?.total) return;
  at("left-out-beside-rows").replaceChildren(...leftOut.titles.map(leftOutItem));
}

function leftOutItem({ isbn, title, reason }) {
  return element("li", {}, name(title ?? isbn), ` (${isbn}): ${reason}`);
}
