// Titles that were delivered, but have no forecast, and why.

import { ask } from "./api.js";
import { Pager } from "./pager.js";
import { at, count, element, name } from "./text.js";
import { PAGES } from "./views.js";

const PAGE = 50;

export class LeftOutPage {
  constructor({ change }) {
    this.place = at("left-out-page");
    this.pager = new Pager(at("left-out-pager"), PAGE, "titles", (page) => {
      at("left-out-head").scrollIntoView({ block: "start" });
      change({ page });
    });
    at("left-out-all").addEventListener("click", () => {
      at("left-out-head").focus();
      change({ q: "" });
    });
  }

  load({ list }, signal) {
    const query = new URLSearchParams({ q: list.q, limit: PAGE, offset: PAGE * (list.page - 1) });
    return ask(`left-out?${query}`, signal);
  }

  draw({ total, titles }, { list }) {
    document.title = `${PAGES.left_out.name} – Book forecasts`;
    at("left-out-line").replaceChildren(
      total
        ? `${titlesOf(total)} delivered, but ${total === 1 ? "has" : "have"} no forecast`
        : list.q
          ? "No title without a forecast matches"
          : "No title that was delivered is known to lack a forecast",
      ...(list.q ? [total ? "; words: " : " the words ", name(list.q)] : []),
      ".",
    );
    at("left-out-all").hidden = !list.q;
    at("left-out").hidden = total === 0;
    at("left-out-rows").replaceChildren(
      ...titles.map(({ isbn, title, reason }) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, name(title ?? isbn)),
          element("td", {}, isbn),
          element("td", {}, reason),
        ),
      ),
    );
    this.pager.show(list.page, total);
    at("left-out-files").hidden = total === 0;
    const query = new URLSearchParams({ q: list.q });
    for (const format of ["csv", "xlsx"]) at(`left-out-${format}`).href = `left-out?format=${format}&${query}`;
  }

  leave() {}
}

const titlesOf = (n) => `${count(n)} ${n === 1 ? "title was" : "titles were"}`;
