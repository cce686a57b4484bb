// What people expect in place of a title's forecast: signed, shown and withdrawn.

import { send } from "./api.js";
import { at, copies, date, element, name, weeks } from "./text.js";

export class Overrides {
  // `changed` is called after an override was signed or withdrawn.
  constructor({ changed }) {
    this.isbn = null;
    this.plan = null; // { weeks, copies } of a plan that was tried, in place of a number
    this.changed = changed;
    at("override-form").addEventListener("submit", (event) => this.sign(event));
    at("overrides").addEventListener("submit", (event) => this.withdraw(event));
    at("override-type").addEventListener("click", () => {
      this.take(null);
      at("override-copies").focus();
    });
  }

  show(isbn, { overrides, writable, what_if: { first_week: first, last_week: last } }) {
    if (this.isbn !== isbn) {
      for (const id of ["override-copies", "override-first", "override-why"]) at(id).value = "";
      at("override-problem").hidden = true;
      at("override-done").textContent = at("override-withdrawn").textContent = "";
      this.take(null);
    }
    this.isbn = isbn;
    const before = new Date(Date.parse(first) - 6 * 86_400_000).toISOString().slice(0, 10);
    Object.assign(at("override-first"), { min: before, max: last });
    at("override-form").hidden = !writable;
    at("overrides-none").hidden = overrides.length > 0;
    this.list(overrides, writable);
    at("signed").hidden = !overrides.length;
    at("signed").replaceChildren(...(overrides.length ? [banner(overrides[0])] : []));
  }

  // The same list stays, with what is typed into its forms.
  list(overrides, writable) {
    const shown = JSON.stringify([overrides, writable]);
    if (shown === this.shown) return;
    this.shown = shown;
    at("overrides").replaceChildren(...overrides.map((one) => item(one, writable)));
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
    at("override-withdrawn").textContent = "";
    at("override-done").textContent = "Signed.";
    this.changed();
  }

  async withdraw(event) {
    event.preventDefault();
    const form = event.target;
    const [who, why] = ["who", "why"].map((name) => form.querySelector(`.${name}`).value.trim());
    const path = `books/${encodeURIComponent(this.isbn)}/overrides/${form.dataset.number}/withdraw`;
    try {
      await send(path, { who, why });
    } catch (error) {
      const problem = form.querySelector(".notice");
      problem.textContent = error.message;
      problem.hidden = false;
      return;
    }
    at("override-done").textContent = "";
    at("override-withdrawn").textContent = "Withdrawn.";
    // The form with the focus is about to vanish.
    at("overrides-head").focus();
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

function item(one, writable) {
  return element(
    "li",
    {},
    element("strong", {}, `${copies(one.total)} copies`),
    ` ${span(one)}; the forecast then was ${copies(one.replaced_total)}. Signed by `,
    name(one.who),
    ` on ${date(one.when)}: `,
    name(one.why),
    ...(writable ? [withdrawal(one)] : []),
  );
}

function withdrawal(one) {
  const field = (text, attributes) =>
    element("label", {}, text, element("input", { type: "text", required: "", ...attributes }));
  return element(
    "details",
    { class: "withdrawal" },
    element("summary", { "aria-label": `Withdraw ${copies(one.total)} copies of ${one.who}` }, "Withdraw"),
    element(
      "form",
      { class: "tried", "data-number": one.number },
      field("Your name", { class: "who", maxlength: 80, autocomplete: "name" }),
      field("Reason", { class: "why", minlength: 3, maxlength: 500 }),
      element("button", { type: "submit", class: "button" }, "Withdraw it"),
      element("p", { class: "notice wide", role: "alert", hidden: "" }),
    ),
  );
}
