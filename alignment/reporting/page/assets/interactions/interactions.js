"use strict";

sandbox.views.interactions = {
  title: "Interactions",
  component: () => sandbox.html`<h1>Interactions</h1>`,
};
