// How old the forecasts are, and what is behind them.

import { health } from "./api.js";
import { at, count, date, element, longDate, model, weeks } from "./text.js";

const DAY_MS = 86_400_000;
// Sales of a week come in the course of the next one.
const STALE_DAYS = 14;

export function showRelease(about, promotion) {
  const { manifest } = about;
  showFreshness(about);
  const lines = [
    ["Sales to", date(about.cutoff)],
    ["Titles", count(about.titles)],
    ["Made", date(manifest.created)],
    ["Release", about.release],
    ["Models", mixture(manifest.models)],
    ["Titles with a simpler model", count(manifest.fallbacks)],
    ["Served since", date(about.since)],
    ["Released", promotion && `${date(promotion.when)} by ${promotion.who}`],
    ["Why", promotion?.why],
  ];
  at("release").replaceChildren(
    ...lines
      .filter(([, text]) => text)
      .map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))),
  );
}

function showFreshness({ cutoff, titles }) {
  const line = at("release-line");
  if (cutoff === null) {
    line.textContent = "No titles";
    return;
  }
  const days = Math.floor((Date.now() - Date.parse(cutoff)) / DAY_MS);
  const isStale = days > STALE_DAYS;
  line.classList.toggle("stale", isStale);
  line.textContent =
    `Sales to ${longDate(cutoff)}${ago(days)}${isStale ? ": newer sales are missing" : ""}` +
    ` · ${count(titles)} titles`;
}

function ago(days) {
  if (days < 1) return "";
  if (days < STALE_DAYS) return `, ${days} ${days === 1 ? "day" : "days"} ago`;
  return `, ${weeks(Math.floor(days / 7))} ago`;
}

const mixture = (models) =>
  Object.entries(models)
    .map(([name, n]) => `${model(name)}: ${count(n)}`)
    .join(", ");

// The release, or the stock, may be older than what should be served.
export async function showProblem() {
  const { problem, stock_problem: stock } = await health();
  const texts = [];
  if (problem) texts.push(`These may not be the newest forecasts. The service says: ${problem}`);
  if (stock) texts.push(`The stock may not be the newest. The service says: ${stock}`);
  at("stale").hidden = !texts.length;
  at("stale").textContent = texts.join(" ");
}
