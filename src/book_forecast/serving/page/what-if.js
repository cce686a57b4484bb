// Plans that are tried on a title, beside its forecast.

import { download, send } from "./api.js";
import { described, drawPlan } from "./pictures.js";
import { keyed, marked } from "./planning.js";
import {
  at,
  copies,
  date,
  element,
  percent,
  row,
  signedCopies,
  signedShare,
  weeks,
} from "./text.js";

export class WhatIf {
  // `sign` takes the weeks and copies of a plan that somebody signs.
  constructor({ sign }) {
    this.shown = null; // { isbn, details, horizon, level }
    this.answer = null;
    at("what-if-form").addEventListener("submit", (event) => this.try(event));
    at("add-promotion").addEventListener("click", () => this.addPromotion().querySelector("input").focus());
    at("clear-plan").addEventListener("click", () => this.clear());
    at("plan-download").addEventListener("click", () => this.fetchFile());
    at("sign-plan").addEventListener("click", () => {
      const { weeks: days, changed } = this.answer.answer;
      sign({ weeks: days, copies: changed.mean });
    });
  }

  // Shows the form of a title; what was typed for it stays.
  show(isbn, details, { horizon, level }) {
    const before = this.shown;
    this.shown = { isbn, details, horizon, level };
    at("what-if-text").replaceChildren(...marked(details.what_if.text));
    if (before?.isbn !== isbn) {
      this.clear();
      return;
    }
    for (const input of at("what-if-form").querySelectorAll("input[type=date]")) this.limit(input);
    const isSame =
      before.horizon === horizon &&
      before.level === level &&
      before.details.release === details.release &&
      before.details.cutoff === details.cutoff;
    // The plan is tried again for another horizon, or beside newer weeks.
    if (this.answer && !isSame) this.try();
  }

  clear() {
    this.answer = null;
    at("what-if-form").reset();
    at("what-if-answer").hidden = true;
    at("what-if-problem").hidden = true;
    at("promotions-tried").replaceChildren();
    const { what_if: triable } = this.shown.details;
    at("add-promotion").hidden = !triable.promotions;
    if (triable.promotions) this.addPromotion();
    at("others-tried").replaceChildren(
      ...triable.regressors.filter(({ reacts }) => reacts).map((one) => this.regressor(one)),
    );
    this.limit(at("own-first"));
  }

  addPromotion() {
    const place = at("promotions-tried");
    const number = place.children.length + 1;
    const made = element(
      "fieldset",
      { class: "tried promotion" },
      element("legend", {}, number === 1 ? "A promotion" : `Promotion ${number}`),
      labelled("From the week of", { type: "date", class: "first" }),
      labelled("For weeks", { type: "number", class: "weeks", min: 1, max: 104, step: 1, value: 1 }),
      labelled("Discount beyond the usual one, in percent", {
        ...{ type: "number", class: "depth", min: 0, max: 100, step: "any", inputmode: "decimal" },
      }),
    );
    this.limit(made.querySelector(".first"));
    place.append(made);
    return made;
  }

  regressor({ name, low, high, is_known_ahead: isKnown }) {
    const isPrice = name === this.shown.details.what_if.price;
    const made = element(
      "fieldset",
      { class: "tried regressor", "data-name": name },
      element("legend", {}, isPrice ? `A price (${name})` : `Another value of ${name}`),
      labelled("From the week of", { type: "date", class: "first" }),
      labelled("For weeks", { type: "number", class: "weeks", min: 1, max: 104, step: 1, value: 1 }),
      labelled(`Value, ${short(low)} to ${short(high)}`, {
        ...{ type: "number", class: "value", min: low, max: high, step: "any", inputmode: "decimal" },
      }),
      ...(isKnown
        ? []
        : [element("p", { class: "quiet small wide" }, "The weekly forecast does not plan with it yet.")]),
    );
    this.limit(made.querySelector(".first"));
    return made;
  }

  limit(input) {
    const { first_week: first, last_week: last } = this.shown.details.what_if;
    input.min = shifted(first, -6);
    input.max = last;
  }

  async try(event) {
    event?.preventDefault();
    const { isbn, horizon, level } = this.shown;
    const body = this.plan();
    if (typeof body === "string") {
      this.refuse(body);
      return;
    }
    try {
      const answer = await send(`books/${encodeURIComponent(isbn)}/what-if`, {
        ...body,
        horizon,
        levels: [level],
      });
      if (this.shown.isbn !== isbn) return;
      this.answer = { body, answer };
      at("what-if-problem").hidden = true;
      await this.draw();
    } catch (error) {
      this.refuse(error.message);
    }
  }

  // The plan that is typed in, or what is missing of it.
  plan() {
    const promotions = [];
    const regressors = [];
    for (const place of at("what-if-form").querySelectorAll(".promotion, .regressor")) {
      const isPromotion = place.classList.contains("promotion");
      const [first, n, value] = ["first", "weeks", isPromotion ? "depth" : "value"].map(
        (name) => place.querySelector(`.${name}`).value,
      );
      if (!first && !value) continue;
      if (!first || !value) {
        return `${place.querySelector("legend").textContent}: give both the first week and the ${isPromotion ? "discount" : "value"}.`;
      }
      const span = { first_week: first, last_week: shifted(first, 7 * (Number(n || 1) - 1)) };
      if (isPromotion) promotions.push({ ...span, depth: Number(value) / 100 });
      else regressors.push({ ...span, name: place.dataset.name, value: Number(value) });
    }
    const body = { promotions, regressors };
    const [factor, first, half] = ["factor", "first", "half"].map((name) => at(`own-${name}`).value);
    if (factor || first) {
      if (!factor || !first) return "A level of your own: give both the factor and the first week.";
      body.own_level = { factor: Number(factor), first_week: first, ...(half ? { half_life: Number(half) } : {}) };
    }
    if (!promotions.length && !regressors.length && !body.own_level) {
      return "The plan is empty: fill in a promotion, or a level of your own.";
    }
    return body;
  }

  refuse(text) {
    at("what-if-problem").textContent = text;
    at("what-if-problem").hidden = false;
  }

  async draw() {
    const { answer } = this.answer;
    const { level } = this.shown;
    const { plain, changed, difference } = answer;
    at("what-if-answer").hidden = false;
    const n = answer.weeks.length;
    const change = difference.share === null ? "" : ` (${signedShare(difference.share)})`;
    at("what-if-summary").replaceChildren(
      "With this plan ",
      element("strong", {}, `${copies(changed.sum.mean)} copies`),
      ` are expected in ${weeks(n)} instead of ${copies(plain.sum.mean)}: ` +
        `${signedCopies(difference.copies)}${change}.`,
    );
    at("what-if-notes").replaceChildren(...answer.notes.map((text) => element("li", {}, text)));
    at("what-if-caption").textContent = `${weeks(n)} together, in copies; the range holds with ${percent(level)}`;
    at("what-if-rows").replaceChildren(sumRow("As it is", plain), sumRow("With the plan", changed));
    at("what-if-weeks").replaceChildren(
      ...answer.weeks.map((week, i) => row(date(week), copies(plain.mean[i]), copies(changed.mean[i]))),
    );
    at("what-if-key").replaceChildren(
      keyed("forecast", "As it is"),
      keyed("plan", "With the plan"),
      keyed("band", `${percent(level)} of each`),
    );
    at("what-if-plot").setAttribute(
      "aria-label",
      described("Plot of copies a week, as it is and with the plan", answer.weeks),
    );
    at("plan-file").hidden = !answer.plan.length;
    at("sign-plan").hidden = !this.shown.details.writable;
    await this.redraw();
  }

  async redraw() {
    if (this.answer) await drawPlan(at("what-if-plot"), this.answer.answer);
  }

  async fetchFile() {
    try {
      const path = `books/${encodeURIComponent(this.shown.isbn)}/what-if?format=csv`;
      await download(path, this.answer.body);
    } catch (error) {
      this.refuse(error.message);
    }
  }
}

function sumRow(name, { sum }) {
  const [{ lower, upper }] = sum.intervals;
  return row(name, copies(sum.mean), copies(lower), copies(upper));
}

const labelled = (text, attributes) =>
  element("label", {}, `${text} `, element("input", attributes));

const short = (number) => String(Number(number.toPrecision(4)));

function shifted(iso, days) {
  return new Date(Date.parse(iso) + days * 86_400_000).toISOString().slice(0, 10);
}
