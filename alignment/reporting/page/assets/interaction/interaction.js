"use strict";

sandbox.views.interaction = {
  title: "Interaction",
  within: "interactions",
  component: ({ route }) => sandbox.html`<h1>${route.path.join("/")}</h1>`,
};
