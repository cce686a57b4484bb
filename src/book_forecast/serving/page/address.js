// The address holds what is shown, so that it can be shared and Back works.

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

export function readAddress() {
  const query = new URLSearchParams(location.search);
  const horizon = Number(query.get("horizon"));
  const level = Number(query.get("level"));
  const span = query.get("span");
  return {
    isbn: query.get("isbn") || null,
    horizon: Number.isInteger(horizon) && horizon >= 1 ? Math.min(horizon, longest) : DEFAULTS.horizon,
    level: level >= 1 && level <= 99 ? level : DEFAULTS.level,
    span: SPANS.some(([value]) => value === span) ? span : DEFAULTS.span,
  };
}

export function addressOf(state) {
  const query = new URLSearchParams();
  if (state.isbn) query.set("isbn", state.isbn);
  for (const name of ["horizon", "level", "span"]) {
    if (state[name] !== DEFAULTS[name]) query.set(name, state[name]);
  }
  const text = query.toString();
  return text ? `?${text}` : location.pathname;
}
