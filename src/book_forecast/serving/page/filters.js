// The filters of list and totals, with the number of titles that each would leave.

import { ask } from "./api.js";
import { FILTERS } from "./list-address.js";
import { selectionOf } from "./list-page.js";
import { at, count, element } from "./text.js";

const PATIENCE_MS = 120;
const OFFERED = 20;
const NAMELESS = "Not known";

export class Filters {
  constructor(change, fail) {
    this.form = at("filters");
    this.change = change;
    this.fail = fail;
    for (const field of FILTERS.filter((f) => f !== "author")) {
      const choice = at(`filter-${field}`);
      choice.addEventListener("change", () => change({ [field]: nameOf(choice.value) }));
    }
    this.author = at("filter-author");
    this.author.addEventListener("input", () => this.wait());
    this.author.addEventListener("change", () => this.takeAuthor());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.takeAuthor();
    });
    this.form.addEventListener("reset", (event) => {
      event.preventDefault();
      change({ q: "", ...Object.fromEntries(FILTERS.map((field) => [field, null])) });
    });
  }

  // `facets` are the names that titles share, with their numbers; null keeps those that are shown.
  draw(list, facets) {
    this.list = list;
    at("filter-words").hidden = !list.q;
    at("filter-words").textContent = list.q ? `Words: ${list.q}` : "";
    for (const field of FILTERS) {
      const control = at(`filter-${field}`);
      if (facets) control.closest(".control").hidden = !(field in facets);
      if (field === "author") {
        if (document.activeElement !== control) control.value = list.author ?? "";
      } else if (facets?.[field]) choices(control, facets[field], list[field]);
    }
    const on = FILTERS.filter((field) => list[field] !== null);
    at("filter-reset").hidden = !on.length && !list.q;
    tellOnPaper([
      ...(list.q ? [`Words: ${list.q}`] : []),
      ...on.map((field) => `${labelOf(field)}: ${list[field] || NAMELESS}`),
    ]);
    at("filter-status").textContent = "";
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.offer(), PATIENCE_MS);
  }

  async offer() {
    const { names } = await this.names(OFFERED);
    at("authors").replaceChildren(
      ...names.map((n) => element("option", { value: n.name }, `${count(n.n_titles)}`)),
    );
  }

  async names(limit) {
    const query = selectionOf(this.list);
    query.set("by", "author");
    query.set("text", this.author.value.trim());
    query.set("limit", limit);
    try {
      return await ask(`names?${query}`);
    } catch (error) {
      this.fail(error);
      return { names: [], total: 0 };
    }
  }

  // A part of a name is enough where only one author has it.
  async takeAuthor() {
    const text = this.author.value.trim();
    if (text === (this.list.author ?? "")) return;
    if (!text) {
      this.change({ author: null });
      return;
    }
    const { names, total } = await this.names(1000);
    const same = names.find((n) => n.name === text) ?? (names.length === 1 ? names[0] : null);
    if (same) this.change({ author: same.name });
    else {
      at("filter-status").textContent = total
        ? `${count(total)} authors have this in their names: choose one of them.`
        : "No author of these titles has this in the name.";
    }
  }
}

const labelOf = (field) => document.querySelector(`label[for=filter-${field}]`).textContent;

// Controls are not printed.
function tellOnPaper(texts) {
  for (const line of document.querySelectorAll(".filter-line")) line.textContent = texts.join(" · ");
}

// An empty text is the name of titles without one, so names have a letter before them.
const nameOf = (value) => (value === "" ? null : value.slice(1));

function choices(control, facets, chosen) {
  const offered = facets.map((f) => [f.name, `${f.name || NAMELESS} (${count(f.n_titles)})`]);
  if (chosen !== null && !facets.some((f) => f.name === chosen)) {
    offered.unshift([chosen, chosen || NAMELESS]);
  }
  control.replaceChildren(
    element("option", { value: "" }, "All"),
    ...offered.map(([value, text]) => element("option", { value: `=${value}`, dir: "auto" }, text)),
  );
  control.value = chosen === null ? "" : `=${chosen}`;
}
