// The views of the list: their names, their usual sort and what they tell.

export const PAGES = {
  all: { name: "All titles", sort: "volume", about: "" },
  changed: {
    name: "What changed most",
    sort: "change_copies",
    about: "The forecast of these titles is another than in the release before.",
    none: "No forecast has changed, or there is no release before to compare with.",
  },
  runs_out: {
    name: "Runs out first",
    sort: "run_out",
    about: "Titles whose stock is known; those that run out first come first.",
    none: "The stock of these titles is not known here. Whoever runs the forecasts can add it.",
  },
  wrong: {
    name: "Forecast was wrong",
    sort: "error_copies",
    about: "The last forecast of these titles against what they sold; the most copies off come first.",
    none: "No last forecast can be held against sales yet.",
  },
  launches: {
    name: "Launches",
    sort: "published",
    about: "Titles that are new, or not published yet; the latest come first.",
    none: "No title is new.",
  },
  totals: { name: "Totals" },
  left_out: { name: "Without a forecast" },
};

const ASCENDING = new Set(["title", "match", "run_out"]);

export const usualOrder = (sort) => (ASCENDING.has(sort) ? "asc" : "desc");

// What a list is sorted by: words are closest to what they find.
export function sortOf(list) {
  const sort = list.sort ?? (list.q ? "match" : PAGES[list.view].sort);
  return { sort, order: list.order ?? usualOrder(sort) };
}
