"use strict";

sandbox.views.run = {
  title: "Run",
  component: () => sandbox.html`<h1>Run</h1>`,
};
