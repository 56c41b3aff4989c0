"use strict";
// How the training went: every figure of the trainer's log.
(() => {
  const { html, link } = sandbox;

  /** What comes first: the loss, then what it is made of, then signs of harm. */
  const ORDER = ["loss", "hinge", "margin", "nll", "rating", "length", "token", "diverg", "kl"];

  /** The place of a figure: the first word of `ORDER` in its id, or the end. */
  function rank(figure) {
    const found = ORDER.findIndex((word) => figure.id.toLowerCase().includes(word));
    return found < 0 ? ORDER.length : found;
  }

  /** The view. */
  function TrainingView({ run }) {
    const figures = d3.sort(run.figures.filter((figure) => figure.place === "training"), rank);
    if (figures.length === 0)
      return html`<h1>Training</h1>
        <p class="notice">
          Nothing was trained yet, or the trainer wrote no log. <a href=${link({ run: run.key })}>What the run has done</a>
        </p>`;
    return html`<div class="training-view">
      <h1>Training</h1>
      <div class="figures">
        ${figures.map((figure) => html`<${sandbox.Figure} key=${figure.id} figure=${figure} name=${run.key} />`)}
      </div>
    </div>`;
  }

  sandbox.views.training = { title: "Training", component: TrainingView };
})();
