// Buttons for the page before and the next one.

import { count } from "./text.js";

export class Pager {
  constructor(place, size, what, turn) {
    this.place = place;
    this.size = size;
    this.what = what;
    [this.previous, this.next] = place.querySelectorAll("button");
    this.line = place.querySelector("span");
    // An address may name a page beyond the last one.
    this.previous.addEventListener("click", () => turn(Math.min(this.page - 1, this.last)));
    this.next.addEventListener("click", () => turn(this.page + 1));
  }

  show(page, total) {
    this.page = page;
    this.last = Math.max(1, Math.ceil(total / this.size));
    const what = total === 1 ? this.what.replace(/s$/, "") : this.what;
    const first = (page - 1) * this.size + 1;
    const last = Math.min(page * this.size, total);
    this.place.hidden = total === 0;
    this.line.textContent =
      first > total
        ? `There are ${count(total)} ${what}`
        : `${count(first)}–${count(last)} of ${count(total)} ${what}`;
    this.enable(this.previous, page > 1);
    this.enable(this.next, last < total);
  }

  // A button that is disabled would lose the focus.
  enable(button, enabled) {
    if (!enabled && document.activeElement === button) {
      const other = button === this.next ? this.previous : this.next;
      other.disabled = false;
      other.focus();
    }
    button.disabled = !enabled;
  }
}
