// The release that is served.

import { health } from "./api.js";
import { at, count, date, element, model } from "./text.js";

export function showRelease(about, promotion) {
  const { manifest } = about;
  at("release-line").textContent = `Sales known to ${date(about.cutoff)} · ${count(about.titles)} titles`;
  const lines = [
    ["Release", about.release],
    ["Made", date(manifest.created)],
    ["Sales known to", date(about.cutoff)],
    ["Titles", count(about.titles)],
    ["Models", mixture(manifest.models)],
    ["Titles with a simpler model", count(manifest.fallbacks)],
    ["Served since", date(about.since)],
    ["Made champion", promotion && `${date(promotion.when)} by ${promotion.who}`],
    ["Why", promotion?.why],
  ];
  at("release").replaceChildren(
    ...lines
      .filter(([, text]) => text)
      .map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))),
  );
}

const mixture = (models) =>
  Object.entries(models)
    .map(([name, n]) => `${model(name)}: ${count(n)}`)
    .join(", ");

// The release may be older than the one that should be served.
export async function showProblem() {
  const { problem } = await health();
  at("stale").hidden = !problem;
  at("stale").textContent = `These may not be the newest forecasts. The service says: ${problem}`;
}
