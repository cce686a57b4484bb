// What planners ask of a title beside its forecast: sums, stock, why, promotions, the last forecast.

import { DASHES, described, drawLast, drawParts } from "./pictures.js";
import { UNKNOWN, at, copies, date, element, percent, row, share, weeks } from "./text.js";

export function showDetails({ details }, { horizon }) {
  showSums(details, horizon);
  showStock(details);
  showWhy(details);
  showPromotions(details);
  showLast(details);
}

export const keyed = (kind, text) =>
  element(
    "span",
    {},
    element("span", { class: `swatch ${kind}`, "aria-hidden": "true" }),
    text,
  );

// Commands in a text stand between backticks.
export const marked = (text) =>
  text.split("`").map((part, i) => (i % 2 ? element("code", {}, part) : part));

function showSums({ sums, stock }, horizon) {
  at("sum-rows").replaceChildren(
    ...sums.map((sum) => {
      const notes = [];
      if (stock && sum.weeks === stock.lead_weeks) notes.push("until an order arrives");
      if (sum.weeks === horizon) notes.push("as chosen");
      const head = [weeks(sum.weeks)];
      if (notes.length) head.push(element("span", { class: "quiet small" }, ` ${notes.join(", ")}`));
      const made = row("", date(sum.last_week), copies(sum.mean), copies(sum.lower), copies(sum.upper));
      made.firstElementChild.replaceChildren(...head);
      made.children[1].classList.remove("number");
      return made;
    }),
  );
}

function showStock({ stock, missing }) {
  at("stock-order").hidden = !stock;
  at("stock-words").replaceChildren(
    ...(stock ? stock.sentences : [missing.stock]).map((text) => element("li", {}, ...marked(text))),
  );
  if (!stock) return;
  at("stock-order").replaceChildren(
    element("strong", {}, stock.order > 0 ? `Order ${copies(stock.order)} copies` : "Order nothing now"),
    `. Stock counted at the end of the week to ${date(stock.last_week)}.`,
  );
}

function showWhy({ explanation, missing }) {
  at("why-figure").hidden = !explanation;
  const words = explanation ? [...explanation.sentences, blend(explanation.members)] : [missing.explanation];
  at("why-words").replaceChildren(...words.filter(Boolean).map((text) => element("p", {}, ...marked(text))));
  if (!explanation) return;
  at("why-key").replaceChildren(
    ...explanation.parts.map(({ name, label }) => keyed(`part ${name} ${DASHES[name]}`, label)),
  );
  at("why-plot").setAttribute(
    "aria-label",
    described(
      "Plot of what multiplies a usual week: " +
        explanation.parts.map(({ label }) => label.toLowerCase()).join(", "),
      explanation.weeks,
    ),
  );
}

// How many methods share in a forecast; their names say nothing to a planner.
function blend(members) {
  const weights = Object.values(members);
  if (weights.length < 2) return null;
  const most = Math.round(100 * Math.max(...weights));
  return `It blends ${weights.length} methods; the one with the largest share has ${percent(most)}.`;
}

function showPromotions({ promotions, missing }) {
  const found = promotions ?? [];
  at("promotions").parentElement.hidden = !found.length;
  at("promotions-text").replaceChildren(...marked(promotionsText(promotions, missing)));
  at("promotion-rows").replaceChildren(
    ...found.map((one) => {
      const span =
        one.weeks === 1 ? date(one.last_week) : `${date(one.first_week)} to ${date(one.last_week)}`;
      return row(
        one.is_planned ? `${span} (planned)` : span,
        share(one.depth),
        copies(one.sold),
        copies(one.before),
        one.times === null ? UNKNOWN : one.times.toFixed(1),
      );
    }),
  );
}

function promotionsText(promotions, missing) {
  if (!promotions) return missing.promotions;
  if (!promotions.length) return "This title had no promotion that the sales show, and none is planned.";
  return "Weeks with at least 5 % more discount than usual. Before: the mean of up to 8 weeks without one.";
}

function showLast({ last_forecast: last, missing }) {
  at("last-figure").hidden = !last;
  at("last-text").replaceChildren(...marked(last ? last.sentence : missing.last_forecast));
  if (!last) return;
  at("last-key").replaceChildren(
    keyed("sales", "Sold"),
    keyed("forecast", "Expected"),
    ...(last.lower.length ? [keyed("band", `Range of ${percent(last.level)}`)] : []),
  );
  at("last-plot").setAttribute(
    "aria-label",
    described("Plot of copies a week, sold and expected by the last forecast", last.weeks),
  );
}

export async function drawDetails({ details }) {
  if (details.explanation) await drawParts(at("why-plot"), details.explanation);
  if (details.last_forecast) await drawLast(at("last-plot"), details.last_forecast);
}
