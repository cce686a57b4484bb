// The settings of a title's page, as they are in its address.

export const LEVELS = [50, 80, 90, 95, 99];
export const SPANS = [
  ["1", "1 year"],
  ["3", "3 years"],
  ["all", "All"],
];
const DEFAULTS = { horizon: 32, level: 80, span: "3" };

let longest = 104;

export function limitHorizon(weeks) {
  longest = weeks;
  DEFAULTS.horizon = Math.min(DEFAULTS.horizon, longest);
}

export function readTitle(query) {
  const horizon = Number(query.get("horizon"));
  const level = Number(query.get("level"));
  const span = query.get("span");
  return {
    horizon: Number.isInteger(horizon) && horizon >= 1 ? Math.min(horizon, longest) : DEFAULTS.horizon,
    level: level >= 1 && level <= 99 ? level : DEFAULTS.level,
    span: SPANS.some(([value]) => value === span) ? span : DEFAULTS.span,
  };
}

export function titleQuery(isbn, settings) {
  const query = new URLSearchParams({ isbn });
  for (const name of Object.keys(DEFAULTS)) {
    if (settings[name] !== DEFAULTS[name]) query.set(name, settings[name]);
  }
  return query;
}
