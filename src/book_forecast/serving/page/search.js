// A combobox after the pattern of the ARIA Authoring Practices: the focus stays in the field.

import { ask } from "./api.js";
import { count, element, name } from "./text.js";

const PATIENCE_MS = 120;
const SHOWN = 8;

export class Search {
  // `choose` opens a title, `list` lists all that match some words.
  constructor(form, { choose, list, fail }) {
    this.form = form;
    this.field = form.querySelector("input");
    this.list = form.querySelector("ul");
    this.status = form.querySelector("[role=status]");
    this.choose = choose;
    this.listAll = list;
    this.fail = fail;
    this.active = -1;
    this.asked = null;
    this.field.addEventListener("input", () => this.wait());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("focus", () => this.field.select());
    this.field.addEventListener("blur", () => this.close());
    form.addEventListener("submit", (event) => this.submit(event));
    // The field must not lose the focus to what is clicked.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take(option);
    });
  }

  wait() {
    clearTimeout(this.timer);
    this.asked?.abort();
    if (this.field.value.trim() === "") {
      this.close();
      this.status.textContent = "";
      return;
    }
    this.timer = setTimeout(() => this.look(), PATIENCE_MS);
  }

  async look() {
    this.asked?.abort();
    clearTimeout(this.timer);
    this.asked = new AbortController();
    this.found = null;
    const query = new URLSearchParams({
      q: this.field.value,
      sort: "match",
      limit: SHOWN,
    });
    try {
      this.show(await ask(`books?${query}`, this.asked.signal));
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
    }
  }

  show({ total, books, is_similar: isSimilar, left_out: leftOut }) {
    this.found = { total, books };
    this.list.replaceChildren(
      ...books.map((book, index) =>
        element(
          "li",
          { role: "option", id: `match-${index}`, "data-isbn": book.isbn, "aria-selected": "false" },
          element("span", { class: "match-title" }, name(book.title ?? book.isbn)),
          element("span", { class: "quiet small" }, name(book.author ?? ""), ` ${book.isbn}`),
        ),
      ),
    );
    this.active = -1;
    this.field.removeAttribute("aria-activedescendant");
    const open = books.length > 0 && document.activeElement === this.field;
    this.list.hidden = !open;
    this.field.setAttribute("aria-expanded", String(open));
    this.status.textContent = told(total, books.length, isSimilar, leftOut);
  }

  key(event) {
    const options = [...this.list.children];
    const open = !this.list.hidden;
    if (event.key === "Escape") {
      if (open) event.preventDefault();
      this.close();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && this.field.value.trim()) {
      event.preventDefault();
      if (!open) {
        this.look();
        return;
      }
      const step = event.key === "ArrowDown" ? 1 : -1;
      const from = this.active === -1 && step === -1 ? 0 : this.active;
      this.point((from + step + options.length) % options.length);
    }
  }

  point(index) {
    this.active = index;
    [...this.list.children].forEach((option, at) => {
      option.setAttribute("aria-selected", String(at === index));
      if (at === index) {
        option.scrollIntoView({ block: "nearest" });
        this.field.setAttribute("aria-activedescendant", option.id);
      }
    });
  }

  // Enter takes the title that is pointed at, or the only one; otherwise it lists all that match.
  async submit(event) {
    event.preventDefault();
    const words = this.field.value.trim();
    if (words === "") return;
    const pointed = this.list.hidden ? null : this.list.children[this.active];
    if (pointed) {
      this.take(pointed);
      return;
    }
    await this.look();
    if (this.found?.total === 1) this.take(this.list.firstElementChild);
    else if (this.found) {
      this.clear();
      this.listAll(words);
    }
  }

  take(option) {
    this.clear();
    this.choose(option.dataset.isbn);
  }

  clear() {
    this.close();
    this.field.value = "";
    this.status.textContent = "";
  }

  close() {
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.active = -1;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }
}

function told(total, listed, isSimilar, leftOut) {
  const [without] = leftOut?.titles ?? [];
  const reason = without && `${without.title ?? without.isbn} has no forecast: ${without.reason}`;
  if (total === 0) return reason ?? "No title, author or ISBN matches.";
  const is = total === 1 ? "1 title" : `${count(total)} titles`;
  const text = isSimilar
    ? `No title has exactly these words; ${is} with similar words`
    : `${is} ${total === 1 ? "matches" : "match"}`;
  const more = total > listed ? " Enter lists them all." : "";
  return `${text}.${more}${reason ? ` ${reason}` : ""}`;
}
