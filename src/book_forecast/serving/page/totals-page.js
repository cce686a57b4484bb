// Totals by class, publisher, imprint or author; a group leads to its titles.

import { ask } from "./api.js";
import { listQuery } from "./list-address.js";
import { selectionOf } from "./list-page.js";
import { Pager } from "./pager.js";
import { at, copies, count, date, element, isPlain, name, weeks } from "./text.js";
import { PAGES } from "./views.js";

const PAGE = 25;
const MOST = 200; // groups of a file
const LEVEL = 80;
const NAMES = {
  product_class: ["Class", "Without a class"],
  publisher_group: ["Publisher", "Without a publisher"],
  imprint: ["Imprint", "Without an imprint"],
  author: ["Author", "Without an author"],
};

export class TotalsPage {
  constructor({ change }) {
    this.place = at("totals-page");
    this.pager = new Pager(at("totals-pager"), PAGE, "groups", (page) => {
      at("totals-head").scrollIntoView({ block: "start" });
      change({ page });
    });
    at("totals-by").addEventListener("change", (event) => change({ by: event.target.value }));
    for (const id of ["from", "weeks"]) {
      at(`totals-${id}`).addEventListener("change", (event) => {
        if (event.target.reportValidity()) change({ [id]: Number(event.target.value) });
      });
    }
    at("totals-form").addEventListener("submit", (event) => event.preventDefault());
    at("totals-rows").addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link || !isPlain(event)) return;
      event.preventDefault();
      change({ view: "all", sort: null, order: null, [link.dataset.field]: link.dataset.name });
    });
  }

  limit(longest) {
    for (const id of ["from", "weeks"]) at(`totals-${id}`).max = longest;
  }

  // The names of the titles come along, for the filters.
  async load({ list }, signal) {
    const query = selectionOf(list);
    const books = ask(`books?${query}&limit=1&facets=true`, signal);
    for (const key of ["by", "from", "weeks"]) query.set(key, list[key]);
    query.set("level", LEVEL);
    const whole = new URLSearchParams(query);
    whole.set("by", "all");
    query.set("limit", PAGE);
    query.set("offset", PAGE * (list.page - 1));
    const { facets } = await books;
    const isKnown = list.by in facets;
    const [groups, all] = await Promise.all([
      isKnown ? ask(`totals?${query}`, signal) : { totals: [], n_groups: 0 },
      ask(`totals?${whole}`, signal),
    ]);
    return { groups, all, facets, isKnown, release: all.release };
  }

  draw({ groups, all, facets, isKnown }, { list }) {
    document.title = `${PAGES.totals.name} – Book forecasts`;
    for (const option of at("totals-by").options) option.hidden = !(option.value in facets);
    at("totals-by").value = list.by;
    at("totals-from").value = list.from;
    at("totals-weeks").value = list.weeks;
    const [head, nameless] = NAMES[list.by];
    at("totals-name").textContent = head;
    at("totals-line").textContent = isKnown
      ? span(all)
      : `This release does not have the ${head.toLowerCase()} of its titles.`;
    const [whole] = all.totals;
    at("totals-rows").replaceChildren(
      ...(whole ? [row(element("strong", {}, "All of these"), whole)] : []),
      ...groups.totals.map((total) => {
        const address = listQuery({
          ...list, view: "all", sort: null, order: null, page: 1, [list.by]: total.name ?? "",
        });
        const link = element(
          "a",
          { href: `?${address}`, "data-field": list.by, "data-name": total.name ?? "" },
          name(total.name ?? nameless),
        );
        return row(link, total);
      }),
    );
    this.pager.show(list.page, groups.n_groups);
    const query = selectionOf(list);
    for (const key of ["by", "from", "weeks"]) query.set(key, list[key]);
    query.set("limit", MOST);
    for (const format of ["csv", "xlsx"]) at(`totals-${format}`).href = `totals?format=${format}&${query}`;
  }

  leave() {}
}

function span({ first_week: first, last_week: last, weeks: n, n_beyond: beyond }) {
  const left = beyond ? ` ${count(beyond)} titles are left out: their forecast ends before.` : "";
  return `Copies in the ${weeks(n)} to ${date(last)}; the first one ends on ${date(first)}.${left}`;
}

function row(head, { n_titles: n, mean, intervals: [{ lower, upper }] }) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, head),
    ...[count(n), copies(mean), copies(lower), copies(upper)].map((text, index) =>
      element("td", { class: index === 0 ? "number optional" : "number" }, text),
    ),
  );
}
