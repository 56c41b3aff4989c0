"use strict";

/** A rating as a number with a bar, so that lists of ratings can be compared at a glance. */
(() => {
  const { html, rated } = sandbox;

  /**
   * A rating from 1 to the scale's end.
   * @param {number | null} value The rating; null is shown as missing.
   * @param {number} scale The highest rating.
   */
  function Rating({ value, scale }) {
    if (value === null || value === undefined) return html`<span class="rating"><span class="tag fair">no rating</span></span>`;
    const share = Math.min(1, Math.max(0, (value - 1) / Math.max(1, scale - 1)));
    return html`<span class="rating"><span class="track" aria-hidden="true"><span style=${{ width: `${100 * share}%` }}></span></span>
      <span class="number">${rated(value)}</span></span>`;
  }

  sandbox.Rating = Rating;
})();
