"use strict";

sandbox.views.society = {
  title: "Society",
  component: () => sandbox.html`<h1>Society</h1>`,
};
