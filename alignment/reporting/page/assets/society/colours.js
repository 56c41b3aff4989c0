"use strict";
// Colours of ratings and of changes: readable by people who see colours differently, each with its number.
(() => {
  const { html } = sandbox;
  const VIEWS = { good: "#0f7b6c", bad: "#d5622b" };
  const MISSING = "#8b9099";

  /** Colour of a value of a measure: light to dark for ratings, brown over white to teal for changes. */
  function colourOf(measure, value, scale) {
    if (value === null || value === undefined) return MISSING;
    if (measure.isWord) return VIEWS[value] ?? MISSING;
    const [low, high] = sandbox.rangeOf(measure, scale);
    const share = Math.max(0, Math.min(1, (value - low) / (high - low)));
    return measure.isChange ? d3.interpolateBrBG(0.1 + 0.8 * share) : d3.interpolateYlGnBu(0.06 + 0.86 * share);
  }

  /** Black or white: the colour of writing that is read more easily on a colour. */
  function inkOn(colour) {
    const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const { r, g, b } = d3.rgb(colour);
    const light = 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    return (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#000000" : "#ffffff";
  }

  /** Write a value of a measure. */
  function valueOf(measure, value, digits = 1) {
    if (value === null || value === undefined) return "–";
    if (measure.isWord) return value;
    const text = Math.abs(value).toFixed(digits);
    if (!measure.isChange) return text;
    return Number(text) === 0 ? text : `${value > 0 ? "+" : "\u2212"}${text}`;
  }

  /** The scale of colours, with numbers. */
  function ColourLegend({ measure, scale }) {
    if (measure.isWord) {
      return html`<ul class="colour-legend" aria-label=${`Colours: ${measure.words}`}>
        ${Object.entries(VIEWS).map(
          ([view, colour]) => html`<li><span class="colour-box" style=${{ background: colour }}></span>${view}</li>`,
        )}
      </ul>`;
    }
    const [low, high] = sandbox.rangeOf(measure, scale);
    const steps = d3.range(0, 13).map((step) => low + (step * (high - low)) / 12);
    const ends = measure.isChange
      ? [`\u2212${high} or less`, "0", `+${high} or more`]
      : [low, (low + high) / 2, high].map(String);
    return html`<div class="colour-legend" role="img" aria-label=${`Colours of ${measure.words}, from ${ends[0]} to ${ends[2]}`}>
      <div class="colour-scale">
        ${steps.map((step) => html`<span style=${{ background: colourOf(measure, step, scale) }}></span>`)}
      </div>
      <div class="colour-ends">${ends.map((end) => html`<span>${end}</span>`)}</div>
    </div>`;
  }

  Object.assign(sandbox, { ColourLegend, colourOf, inkOn, valueOf });
})();
