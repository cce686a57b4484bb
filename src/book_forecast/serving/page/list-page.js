// The table of titles, sorted by the service.

import { ask } from "./api.js";
import { at, copies, count, date, element, share, signedCopies, signedShare } from "./text.js";

const STEP = 25;
const DESCENDING = new Set(["volume", "change", "change_copies"]);

export class ListPage {
  constructor({ choose, change, again, promoted }) {
    this.place = at("list");
    this.rows = at("title-rows");
    this.line = at("titles-line");
    this.heads = [...this.place.querySelectorAll("th[data-sort]")];
    this.more = at("more");
    this.change = change;
    this.again = again;
    this.promoted = promoted;
    for (const head of this.heads) {
      head.querySelector("button").addEventListener("click", () => this.toggle(head.dataset.sort));
    }
    this.more.addEventListener("click", () => this.change({ page: this.page + 1 }));
    this.rows.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      // The browser opens a new tab or window by itself.
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      choose(link.dataset.isbn);
    });
  }

  toggle(sort) {
    const natural = DESCENDING.has(sort) ? "desc" : "asc";
    const other = this.order === "asc" ? "desc" : "asc";
    return this.change({ sort, order: this.sort === sort ? other : natural });
  }

  async load({ list }, signal) {
    const query = new URLSearchParams({
      sort: list.sort ?? "volume",
      order: list.order ?? "desc",
      offset: 0,
      limit: STEP * list.page,
    });
    return ask(`books?${query}`, signal);
  }

  draw(content, { list }) {
    clearTimeout(this.timer);
    this.sort = list.sort ?? "volume";
    this.order = list.order ?? "desc";
    this.page = list.page;
    document.title = "Book forecasts";
    const { changes } = content;
    this.rows.replaceChildren(...content.books.map(bookRow));
    this.line.textContent = {
      ready:
        `Changes against the release of ${date(changes.before?.slice(0, 10))}, ` +
        "added up over the weeks that both forecast, at most 32.",
      pending: "The changes are being worked out.",
      none: "This is the first release here: there is none to compare with.",
      failed: "The release before cannot be read: changes are unknown.",
    }[changes.state];
    if (changes.state === "pending") this.timer = setTimeout(() => this.again(), 2000);
    else this.promoted(changes.promotion);
    for (const head of this.heads) {
      if (head.dataset.sort === this.sort) {
        head.setAttribute("aria-sort", this.order === "asc" ? "ascending" : "descending");
      } else head.removeAttribute("aria-sort");
    }
    const left = content.total - this.rows.children.length;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show ${Math.min(STEP, left)} more of ${count(content.total)} titles`;
  }

  leave() {
    clearTimeout(this.timer);
  }
}

function bookRow(book) {
  const query = new URLSearchParams({ isbn: book.isbn });
  const link = element("a", { href: `?${query}`, "data-isbn": book.isbn }, book.title ?? book.isbn);
  return element(
    "tr",
    {},
    element(
      "th",
      { scope: "row" },
      link,
      element("span", { class: "quiet small author" }, book.author ?? ""),
    ),
    number(copies(book.next_13_weeks)),
    number(signedCopies(book.change_copies), direction(book.change_copies)),
    number(signedShare(book.change), direction(book.change)),
    number(share(book.wape), "optional"),
  );
}

const direction = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");

const number = (text, kind = "") => element("td", { class: `number ${kind}`.trim() }, text);
