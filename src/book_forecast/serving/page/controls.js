// Horizon, interval and span of the past.

import { LEVELS, SPANS } from "./title-address.js";
import { at, element, percent, weeks } from "./text.js";

// Calls `change` with the part of the state that a control has changed.
export function makeControls(change) {
  segments("level", LEVELS.map((level) => [String(level), percent(level)]), (value) =>
    change({ level: Number(value) }),
  );
  segments("span", SPANS, (value) => change({ span: value }));
}

function segments(id, choices, change) {
  const place = at(id).querySelector(".segments");
  for (const [value, text] of choices) {
    const input = element("input", { type: "radio", name: id, value, id: `${id}-${value}` });
    input.addEventListener("change", () => change(value));
    place.append(input, element("label", { for: input.id }, text));
  }
}

export function markControls(state) {
  at("horizon").value = state.horizon;
  writeHorizon(state.horizon);
  for (const name of ["level", "span"]) {
    // A shared address may have a level that is not on offer; then none is marked.
    for (const input of at(name).querySelectorAll("input")) {
      input.checked = input.value === String(state[name]);
    }
  }
}

export function writeHorizon(horizon) {
  at("horizon-text").textContent = weeks(horizon);
  at("horizon").setAttribute("aria-valuetext", weeks(horizon));
}
