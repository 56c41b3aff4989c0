"use strict";

sandbox.views.compare = {
  title: "Compare",
  component: () => sandbox.html`<h1>Runs side by side</h1>`,
};
