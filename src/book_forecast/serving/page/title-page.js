// A title's page: reacts to its controls, and fetches and draws what it shows.

import { ask, download, hasToken } from "./api.js";
import { makeControls, markControls, writeHorizon } from "./controls.js";
import { Overrides } from "./overrides.js";
import { drawDetails, showDetails } from "./planning.js";
import { draw } from "./plot.js";
import { at } from "./text.js";
import { limitHorizon } from "./title-address.js";
import { showBook, showForecast, showNumbers } from "./title.js";
import { WhatIf } from "./what-if.js";

const PATIENCE_MS = 120;

export class TitlePage {
  // `change` takes the settings that a control has changed; with `replace` the address changes
  // without an entry in the browser's history. `fail` reports a refusal.
  constructor({ change, fail }) {
    this.place = at("book");
    this.shown = null; // { isbn, book, history, forecast, details }
    this.settings = null;
    this.longest = 104;
    this.fail = fail;
    this.change = change;
    this.overrides = new Overrides({ changed: () => this.change({}) });
    this.whatIf = new WhatIf({ sign: (plan) => this.overrides.take(plan) });
    makeControls(change);
    at("horizon").addEventListener("input", () => this.slide());
    at("csv").addEventListener("click", (event) => this.fetchFile(event));
    at("xlsx").addEventListener("click", (event) => this.fetchFile(event));
    at("numbers").addEventListener("toggle", () => this.shown && showNumbers(this.shown));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  limit(weeks) {
    this.longest = weeks;
    limitHorizon(weeks);
    at("horizon").max = weeks;
  }

  // Fetches what `draw` draws; until then the screen stays as it is. Only the forecast and what depends
  // on its horizon are fetched for a title that is shown, unless another release is served by now.
  // All of the page is the champion's, as the lists are.
  async load({ isbn, title: { horizon, level } }, signal) {
    at("plot").setAttribute("aria-busy", "true");
    const path = `books/${encodeURIComponent(isbn)}`;
    const asking = Promise.all([
      ask(`${path}/forecast?horizon=${horizon}&level=${level}&arm=champion`, signal),
      ask(`${path}/details?${spans(horizon, this.longest)}&level=${level}`, signal),
    ]);
    if (this.shown?.isbn === isbn) {
      const [forecast, details] = await asking;
      const { release, cutoff } = this.shown.forecast;
      if (forecast.release === release && forecast.cutoff === cutoff) {
        return { ...this.shown, forecast, details, release };
      }
    }
    const [book, past, [forecast, details]] = await Promise.all([
      ask(path, signal),
      ask(`${path}/history`, signal),
      asking,
    ]);
    return { isbn, book, history: past, forecast, details, release: forecast.release };
  }

  // Draws what was loaded; `chosen` is whether the title was just chosen from others.
  async draw(content, { title: settings }, chosen) {
    const before = this.shown;
    this.shown = content;
    this.settings = settings;
    markControls(settings);
    if (content.book !== before?.book) showBook(content.book, content.details.facts);
    showForecast(content, settings);
    showNumbers(content);
    showDetails(content, settings);
    this.whatIf.show(content.isbn, content.details, settings);
    this.overrides.show(content.isbn, content.details);
    if (chosen) {
      at("book-title").focus({ preventScroll: true });
      this.place.scrollIntoView({ block: "start" });
    }
    await this.redraw();
  }

  // Another page takes the screen.
  leave() {
    this.shown = null;
  }

  // A slider that is dragged must not leave a hundred addresses behind.
  slide() {
    const horizon = Number(at("horizon").value);
    writeHorizon(horizon);
    clearTimeout(this.sliding);
    this.sliding = setTimeout(() => this.change({ horizon }, { replace: true }), PATIENCE_MS);
  }

  async redraw() {
    if (!this.shown) return;
    const { history, forecast } = this.shown;
    const drawn = await draw(at("plot"), history, forecast, this.settings.level, this.settings.span);
    at("plot").hidden = !drawn;
    at("plot").removeAttribute("aria-busy");
    at("plot-missing").hidden = drawn;
    if (!drawn) at("numbers").open = true;
    await drawDetails(this.shown);
    await this.whatIf.redraw();
  }

  // Without a token, the browser downloads the link by itself.
  async fetchFile(event) {
    if (!hasToken()) return;
    event.preventDefault();
    try {
      await download(event.currentTarget.getAttribute("href"));
    } catch (error) {
      this.fail(error);
    }
  }
}

// A month, a quarter, and what is chosen.
const spans = (horizon, longest) =>
  [...new Set([4, 13, horizon])]
    .filter((n) => n <= longest)
    .map((n) => `weeks=${n}`)
    .join("&");
