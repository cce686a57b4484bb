// What people expect in place of a title's forecast.

import { send } from "./api.js";
import { at, copies, date, element, name, weeks } from "./text.js";

export class Overrides {
  // `changed` is called after an override was signed.
  constructor({ changed }) {
    this.isbn = null;
    this.plan = null; // { weeks, copies } of a plan that was tried, in place of a number
    this.changed = changed;
    at("override-form").addEventListener("submit", (event) => this.sign(event));
    at("override-type").addEventListener("click", () => {
      this.take(null);
      at("override-copies").focus();
    });
  }

  show(isbn, { overrides, writable, what_if: { first_week: first, last_week: last } }) {
    if (this.isbn !== isbn) {
      for (const id of ["override-copies", "override-first", "override-why"]) at(id).value = "";
      at("override-problem").hidden = true;
      at("override-done").textContent = "";
      this.take(null);
    }
    this.isbn = isbn;
    const before = new Date(Date.parse(first) - 6 * 86_400_000).toISOString().slice(0, 10);
    Object.assign(at("override-first"), { min: before, max: last });
    at("override-form").hidden = !writable;
    at("overrides-none").hidden = overrides.length > 0;
    at("overrides").replaceChildren(...overrides.map(item));
    at("signed").hidden = !overrides.length;
    at("signed").replaceChildren(...(overrides.length ? [banner(overrides[0])] : []));
  }

  // Takes the numbers of a plan that was tried; null goes back to a number that is typed.
  take(plan) {
    this.plan = plan;
    for (const label of at("override-form").querySelectorAll(".typed")) {
      label.hidden = plan !== null;
      label.querySelector("input").disabled = plan !== null;
    }
    at("override-plan").hidden = at("override-type").hidden = plan === null;
    if (!plan) return;
    const total = plan.copies.reduce((sum, week) => sum + week, 0);
    at("override-plan").textContent = `The plan that was tried: ${copies(total)} copies ${span(plan)}.`;
    at("override-who").focus();
  }

  async sign(event) {
    event.preventDefault();
    const typed = () => ({
      first_week: at("override-first").value,
      copies: Array(Number(at("override-weeks").value)).fill(Number(at("override-copies").value)),
    });
    const { plan } = this;
    try {
      await send(`books/${encodeURIComponent(this.isbn)}/overrides`, {
        who: at("override-who").value.trim(),
        why: at("override-why").value.trim(),
        ...(plan ? { first_week: plan.weeks[0], copies: plan.copies } : typed()),
      });
    } catch (error) {
      at("override-problem").textContent = error.message;
      at("override-problem").hidden = false;
      return;
    }
    at("override-problem").hidden = true;
    at("override-copies").value = "";
    this.take(null);
    at("override-done").textContent = "Signed.";
    this.changed();
  }
}

const span = ({ weeks: days }) =>
  days.length === 1
    ? `in the week to ${date(days[0])}`
    : `in ${weeks(days.length)}, ${date(days[0])} to ${date(days.at(-1))}`;

function banner(one) {
  return element(
    "p",
    {},
    element("strong", {}, name(one.who)),
    ` expects ${copies(one.total)} copies ${span(one)}, and not ${copies(one.replaced_total)}: `,
    name(one.why),
  );
}

function item(one) {
  return element(
    "li",
    {},
    element("strong", {}, `${copies(one.total)} copies`),
    ` ${span(one)}; the forecast then was ${copies(one.replaced_total)}. Signed by `,
    name(one.who),
    ` on ${date(one.when)}: `,
    name(one.why),
  );
}
