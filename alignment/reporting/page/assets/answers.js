"use strict";

sandbox.views.answers = {
  title: "Answers",
  component: () => sandbox.html`<h1>Answers</h1>`,
};
