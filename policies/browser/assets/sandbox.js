"use strict";

/** The global that the scripts of a page with a server share; the page of a run makes its own. */
window.sandbox = { ...window.htmPreact };
