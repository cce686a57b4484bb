// The columns of the list, and its rows.

import { listQuery } from "./list-address.js";
import { sparkline } from "./spark.js";
import {
  copies,
  count,
  date,
  element,
  name,
  share,
  signedCopies,
  signedShare,
} from "./text.js";

const number = (text, kind) => element("td", { class: `number ${kind ?? ""}`.trim() }, text);
const direction = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");

// `head` is what the column is called, `sort` what the service sorts it by, `tip` what it means.
const COLUMNS = {
  weeks: {
    head: "Past and next weeks",
    cell: (book) => element("td", { class: "weeks" }, book.sparkline ? sparkline(book.sparkline) : ""),
  },
  four: {
    head: "Next 4 weeks",
    sort: "volume_4",
    cell: (book) => number(copies(book.next_4_weeks)),
  },
  thirteen: {
    head: "Next 13 weeks",
    sort: "volume",
    cell: (book) => number(copies(book.next_13_weeks)),
  },
  thirtyTwo: {
    head: "Next 32 weeks",
    sort: "volume_32",
    cell: (book) => number(copies(book.next_32_weeks)),
  },
  changeCopies: {
    head: "Change",
    sort: "change_copies",
    tip: "Copies more than in the forecast before, over the same weeks",
    cell: (book) => number(signedCopies(book.change_copies), direction(book.change_copies)),
  },
  change: {
    head: "Change, %",
    sort: "change",
    tip: "The same in percent of the forecast before",
    cell: (book) => number(signedShare(book.change), direction(book.change)),
  },
  chance: {
    head: "Chance to run out",
    sort: "chance",
    tip: "Before an order that is placed today arrives",
    needsStock: true,
    cell: (book) =>
      number(share(book.chance_to_run_out), book.chance_to_run_out >= 0.5 ? "down" : ""),
  },
  onHand: {
    head: "In stock",
    needsStock: true,
    cell: (book) => number(count(book.on_hand)),
  },
  runOut: {
    head: "Runs out",
    sort: "run_out",
    tip: "The week in which the stock is likely to run out",
    needsStock: true,
    cell: (book) =>
      number(book.run_out_week || book.on_hand === null ? date(book.run_out_week) : "not soon"),
  },
  order: {
    head: "Order now",
    sort: "order",
    needsStock: true,
    cell: (book) => number(count(book.order)),
  },
  expected: { head: "Expected", cell: (book) => number(copies(book.last_expected)) },
  sold: { head: "Sold", cell: (book) => number(copies(book.last_sold)) },
  off: {
    head: "Copies off",
    sort: "error_copies",
    tip: "Sum of the weekly errors of the last forecast",
    cell: (book) => number(copies(book.error_copies)),
  },
  error: {
    head: "Last error",
    sort: "error",
    tip: "How far the last forecast was off, in percent of the copies sold",
    cell: (book) => number(share(book.wape)),
  },
  published: {
    head: "Published",
    sort: "published",
    cell: (book) => number(date(book.publication_date)),
  },
};

const SIZES = ["four", "thirteen", "thirtyTwo"];
const OF_VIEW = {
  all: ["weeks", ...SIZES, "changeCopies", "change", "chance", "error"],
  changed: ["weeks", ...SIZES, "changeCopies", "change", "chance", "error"],
  runs_out: ["weeks", "four", "thirteen", "onHand", "chance", "runOut", "order"],
  wrong: ["weeks", "thirteen", "expected", "sold", "off", "error", "changeCopies"],
  launches: ["weeks", "published", ...SIZES, "changeCopies", "chance"],
};
// What a phone has room for.
const ON_PHONE = {
  all: ["weeks", "thirteen"],
  changed: ["changeCopies", "change"],
  runs_out: ["chance", "runOut"],
  wrong: ["expected", "sold"],
  launches: ["published", "thirteen"],
};

export const columnsOf = (view, hasStock) =>
  OF_VIEW[view]
    .filter((id) => hasStock || !COLUMNS[id].needsStock)
    .map((id) => ({ id, ...COLUMNS[id], optional: !ON_PHONE[view].includes(id) }));

export function head(columns) {
  const title = { head: "Title", sort: "title", isTitle: true };
  return element("tr", {}, ...[title, ...columns].map(headCell));
}

function headCell({ head: text, sort, tip, optional, isTitle }) {
  const kind = [isTitle || "number", optional && "optional"].filter((k) => typeof k === "string");
  const words = sort ? element("button", { type: "button", title: tip }, text) : text;
  return element("th", { scope: "col", "data-sort": sort, class: kind.join(" ") || null }, words);
}

export function bookRow(book, columns, list) {
  const address = new URLSearchParams({ isbn: book.isbn });
  const link = element(
    "a",
    { href: `?${address}`, "data-isbn": book.isbn },
    name(book.title ?? book.isbn),
  );
  const cells = columns.map((column) => {
    const cell = column.cell(book);
    if (column.optional) cell.classList.add("optional");
    return cell;
  });
  return element("tr", {}, element("th", { scope: "row" }, link, author(book, list)), ...cells);
}

function author(book, list) {
  const place = element("span", { class: "quiet small author" });
  if (book.author) {
    const address = listQuery({ ...list, author: book.author, page: 1 });
    const words = `All titles of ${book.author}`;
    place.append(
      element(
        "a",
        { href: `?${address}`, "data-author": book.author, title: words, tabindex: "-1" },
        name(book.author),
      ),
    );
  }
  return place;
}

