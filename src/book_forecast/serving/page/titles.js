// The table of titles, sorted by the service.

import { ask } from "./api.js";
import { copies, count, date, element, share, signedCopies, signedShare } from "./text.js";

const STEP = 25;
const DESCENDING = new Set(["volume", "change", "change_copies"]);

export class Titles {
  constructor(section, { choose, fail, promoted }) {
    this.rows = section.querySelector("tbody");
    this.line = section.querySelector("[role=status]");
    this.heads = [...section.querySelectorAll("th[data-sort]")];
    this.more = section.querySelector("#more");
    this.fail = fail;
    this.promoted = promoted;
    this.isChosen = false;
    for (const head of this.heads) {
      head.querySelector("button").addEventListener("click", () => this.toggle(head.dataset.sort));
    }
    this.more.addEventListener("click", () => this.load(true));
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
    if (this.sort !== sort) this.order = natural;
    else this.order = this.order === "asc" ? "desc" : "asc";
    this.sort = sort;
    this.isChosen = true;
    return this.load(false);
  }

  // The comparison comes after a release is served; until then, the best sellers come first.
  async start() {
    clearTimeout(this.timer);
    try {
      const { changes } = await ask("books?limit=1");
      this.promoted(changes.promotion);
      if (!this.isChosen) {
        this.sort = changes.state === "ready" ? "change_copies" : "volume";
        this.order = "desc";
      }
      await this.load(false);
      this.line.textContent = {
        ready:
          `Changes against the release of ${date(changes.before?.slice(0, 10))}, ` +
          "added up over the weeks that both forecast, at most 32.",
        pending: "The changes are being worked out; until then, the best sellers come first.",
        none: "This is the first release here: there is none to compare with.",
        failed: "The release before cannot be read: changes are unknown.",
      }[changes.state];
      if (changes.state === "pending") this.timer = setTimeout(() => this.start(), 2000);
    } catch (error) {
      this.fail(error);
    }
  }

  async load(further) {
    this.asked?.abort();
    this.asked = new AbortController();
    const offset = further ? this.rows.children.length : 0;
    const query = new URLSearchParams({
      sort: this.sort,
      order: this.order,
      offset,
      limit: STEP,
    });
    let page;
    try {
      page = await ask(`books?${query}`, this.asked.signal);
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
      return;
    }
    const made = page.books.map(bookRow);
    if (further) this.rows.append(...made);
    else this.rows.replaceChildren(...made);
    for (const head of this.heads) {
      if (head.dataset.sort === this.sort) {
        head.setAttribute("aria-sort", this.order === "asc" ? "ascending" : "descending");
      } else head.removeAttribute("aria-sort");
    }
    const left = page.total - this.rows.children.length;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show ${Math.min(STEP, left)} more of ${count(page.total)} titles`;
    // Keyboard users go on where the new rows begin.
    if (further) made[0]?.querySelector("a").focus();
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
