// One title: names, summary, key of the plot, downloads, scores and numbers.

import { firstShown } from "./plot.js";
import {
  BASELINE,
  UNKNOWN,
  at,
  copies,
  date,
  element,
  name,
  percent,
  row,
  share,
  weeks,
} from "./text.js";

export function showBook(book, facts) {
  const title = book.title ?? book.isbn;
  document.title = `${title} – Book forecasts`;
  at("book-title").textContent = title;
  const known = [
    book.author && name(book.author),
    `ISBN ${book.isbn}`,
    book.product_class && element("span", {}, "Class ", name(book.product_class)),
    facts?.imprint && name(facts.imprint),
    facts?.publisher_group && name(facts.publisher_group),
    facts?.publication_date && `Published ${date(facts.publication_date)}`,
    facts?.price && `Price ${facts.price.toFixed(2)}`,
  ].filter(Boolean);
  at("book-line").replaceChildren(...known.flatMap((part, i) => (i ? [" · ", part] : [part])));
  scores(book);
}

export function showForecast({ book, history, forecast, details }, { horizon, level, span }) {
  const { weeks: days, mean } = forecast;
  const sum = details.sums.find(({ weeks: n }) => n === horizon);
  const when =
    days.length === 1
      ? `in the week to ${date(days[0])}`
      : `in ${weeks(days.length)}, to ${date(days.at(-1))}`;
  at("summary").replaceChildren(
    element("strong", {}, `${copies(sum.mean)} copies`),
    ` are expected ${when}, and between ${copies(sum.lower)} and ${copies(sum.upper)} with a ` +
      `probability of ${percent(level)}.` +
      (days.length === 1 ? "" : ` In the first week ${copies(mean[0])}.`),
  );
  const past = history.volumes.slice(firstShown(history, span));
  at("plot-key").replaceChildren(
    ...key("sales", "Copies sold a week"),
    ...key("forecast", "Copies expected"),
    ...key("band", `${percent(level)} interval`),
    ...(past.includes(null) ? key("gap", "Not reported") : []),
  );
  at("plot").setAttribute(
    "aria-label",
    `Plot of copies a week: sales from ${date(history.weeks[0])} to ` +
      `${date(forecast.cutoff)}, and the forecast to ${date(days.at(-1))}. ` +
      "The table below has its numbers.",
  );
  for (const format of ["csv", "xlsx"]) {
    const query = new URLSearchParams({ horizon, level, format, arm: "champion" });
    at(format).href = `books/${encodeURIComponent(book.isbn)}/forecast?${query}`;
  }
}

const key = (kind, text) => [
  element("span", {}, element("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), text),
];

function scores(book) {
  const isScored = book.wape !== null;
  at("scores").hidden = !isScored;
  at("score-rows").replaceChildren();
  if (!isScored) {
    at("scores-text").textContent = "This title has not been scored in this release.";
    return;
  }
  at("scores-text").textContent = verdict(book);
  const ratio = (value) => (value === null ? UNKNOWN : value.toFixed(2));
  at("score-rows").append(row("This forecast", share(book.wape), ratio(book.mase)));
  if (book.model === BASELINE) return;
  at("score-rows").append(
    row("Same weeks last year", share(book.seasonal_naive_wape), ratio(book.seasonal_naive_mase)),
  );
}

function verdict(book) {
  const { wape, seasonal_naive_wape: baseline, fallback_reason: reason } = book;
  const sentences = [`The last forecast was wrong by ${share(wape)} of the copies sold.`];
  if (book.model === BASELINE) {
    sentences.push("It is what sold in the same weeks a year before.");
  } else if (baseline) {
    const gain = Math.round(100 * (1 - wape / baseline));
    const beside = `which would have been wrong by ${share(baseline)}`;
    if (gain === 0) {
      sentences.push("The sales of the same weeks a year before were just as far off.");
    } else {
      const better = `${percent(Math.abs(gain))} ${gain > 0 ? "better" : "worse"}`;
      sentences.push(`That is ${better} than what sold in the same weeks a year before, ${beside}.`);
    }
  }
  if (reason) sentences.push("This title is forecast in a simpler way than usual.");
  return sentences.join(" ");
}

// The table is long, and most readers never open it.
export function showNumbers({ history, forecast }) {
  if (!at("numbers").open) return;
  const [{ lower, upper }] = forecast.intervals;
  at("forecast-rows").replaceChildren(
    ...forecast.weeks.map((week, i) =>
      row(date(week), copies(forecast.mean[i]), copies(lower[i]), copies(upper[i])),
    ),
  );
  const { weeks: days, volumes } = history;
  at("history-rows").replaceChildren(
    ...days
      .map((day, index) => row(date(day), volumes[index] === null ? "not reported" : copies(volumes[index])))
      .reverse(),
  );
}
