"use strict";

sandbox.views.data = {
  title: "Data",
  component: () => sandbox.html`<h1>Data</h1>`,
};
