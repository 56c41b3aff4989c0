"use strict";

sandbox.views.training = {
  title: "Training",
  component: () => sandbox.html`<h1>Training</h1>`,
};
