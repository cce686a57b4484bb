// The settings of the list, as they are in its address.

export const VIEWS = ["all", "changed", "runs_out", "wrong", "launches", "totals", "left_out"];
export const FILTERS = ["product_class", "publisher_group", "imprint", "author"];
export const GROUPS = ["product_class", "publisher_group", "imprint", "author"];
const SORT = /^[a-z_]{1,40}$/;

const whole = (text, usual) => {
  const number = Number(text);
  return text !== null && Number.isInteger(number) && number >= 1 ? number : usual;
};

export function readList(query) {
  const view = query.get("view");
  const sort = query.get("sort");
  const order = query.get("order");
  const by = query.get("by");
  const settings = {
    view: VIEWS.includes(view) ? view : "all",
    q: query.get("q") ?? "",
    sort: SORT.test(sort ?? "") ? sort : null,
    order: order === "asc" || order === "desc" ? order : null,
    page: whole(query.get("page"), 1),
    by: GROUPS.includes(by) ? by : GROUPS[0],
    from: whole(query.get("from"), 1),
    weeks: whole(query.get("weeks"), 13),
  };
  // An empty text is a filter too: it asks for titles of which the name is unknown.
  for (const name of FILTERS) settings[name] = query.get(name);
  return settings;
}

export function listQuery(settings) {
  const usual = readList(new URLSearchParams());
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(settings)) {
    if (value !== null && value !== usual[name]) query.set(name, value);
  }
  return query;
}
