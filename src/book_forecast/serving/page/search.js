// A combobox after the pattern of the ARIA Authoring Practices: the focus stays in the field.

import { ask } from "./api.js";
import { count, element } from "./text.js";

const PATIENCE_MS = 120;
const SHOWN = 8;

export class Search {
  constructor(form, { choose, fail }) {
    this.form = form;
    this.field = form.querySelector("input");
    this.list = form.querySelector("ul");
    this.status = form.querySelector("[role=status]");
    this.choose = choose;
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
    const query = new URLSearchParams({
      q: this.field.value,
      sort: "volume",
      limit: SHOWN,
    });
    try {
      this.show(await ask(`books?${query}`, this.asked.signal));
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
    }
  }

  show({ total, books }) {
    this.list.replaceChildren(
      ...books.map((book, index) =>
        element(
          "li",
          { role: "option", id: `match-${index}`, "data-isbn": book.isbn, "aria-selected": "false" },
          element("span", { class: "match-title" }, book.title ?? book.isbn),
          element("span", { class: "quiet small" }, [book.author, book.isbn].filter(Boolean).join(" · ")),
        ),
      ),
    );
    this.active = -1;
    this.field.removeAttribute("aria-activedescendant");
    const open = books.length > 0 && document.activeElement === this.field;
    this.list.hidden = !open;
    this.field.setAttribute("aria-expanded", String(open));
    if (total === 0) this.status.textContent = "No title, author or ISBN matches.";
    else if (total > books.length)
      this.status.textContent = `${count(total)} titles match; the ${books.length} that sell most are listed.`;
    else this.status.textContent = total === 1 ? "1 title matches." : `${total} titles match.`;
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

  // Enter takes the title that is pointed at, or else the first.
  async submit(event) {
    event.preventDefault();
    if (this.field.value.trim() === "") return;
    if (this.list.hidden || this.active === -1) await this.look();
    const option = this.list.children[Math.max(this.active, 0)];
    if (option) this.take(option);
  }

  take(option) {
    this.close();
    this.field.value = "";
    this.status.textContent = "";
    this.choose(option.dataset.isbn);
  }

  close() {
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.active = -1;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }
}
