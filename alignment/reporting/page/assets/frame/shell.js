"use strict";

/** The frame around every view: navigation, the choice of a run, light and dark, keys, live data. */
(() => {
  const { Help, visible, ThemeButton, Waiting, html, link, render, useEffect, useLayoutEffect, useErrorBoundary, useKeys, useLoaded } = sandbox;
  const { useReducer, useRef, useRoute, useState } = sandbox;

  /** Views in the order of the navigation, with the key that follows `g`. */
  const ORDER = [
    ["run", "r"],
    ["society", "s"],
    ["interactions", "i"],
    ["data", "d"],
    ["training", "t"],
    ["answers", "a"],
    ["compare", "c"],
  ];
  const FOLLOW_MS = 2000;

  /** Whether a view of the navigation is the shown one, or the one around it. */
  function isShown(name, route) {
    return name === route.view || name === sandbox.views[route.view]?.within;
  }

  function Navigation({ route, runs }) {
    const names = ORDER.map(([name]) => name).filter(
      (name) => sandbox.views[name] && (name !== "compare" || runs.length > 1),
    );
    const run = route.run || runs[0].key;
    return html`<nav aria-label="Views">
      ${names.map(
        (name) => html`<a key=${name} href=${link({ run, view: name })}
          aria-current=${isShown(name, route) ? "page" : undefined}>${sandbox.views[name].title}</a>`,
      )}
    </nav>`;
  }

  function RunChoice({ route, runs }) {
    if (runs.length === 1) return html`<span class="run-name"><${sandbox.Text} inline value=${runs[0].name} limit=${60} /></span>`;
    const change = (event) => {
      const view = sandbox.views[route.view]?.within ?? route.view;
      sandbox.go({ run: event.target.value, view: view === "compare" ? "run" : view });
    };
    return html`<label class="run-name">
      <select aria-label="Run" value=${route.run} onChange=${change}>
        ${!route.run && html`<option value="">all runs</option>`}
        ${runs.map((run) => html`<option key=${run.key} value=${run.key}>${visible(run.name)}</option>`)}
      </select></label>`;
  }

  /** A view of one run; shows in words what goes wrong inside. */
  function View({ route, runs }) {
    const [broken, mend] = useErrorBoundary();
    useLayoutEffect(() => broken && mend(), [location.hash]);
    const { value: run, error } = useLoaded(`${route.run}/run`);
    if (broken) {
      return html`<p class="notice problem" role="alert">This view could not be drawn: ${broken.message}</p>`;
    }
    if (!run) return html`<${Waiting} error=${error} />`;
    const { component } = sandbox.views[route.view];
    return html`<${component} key=${route.view} run=${run} runs=${runs} route=${route} />`;
  }

  /** A view of all runs. */
  function ViewOfAll({ route, runs }) {
    const [broken] = useErrorBoundary();
    if (broken) {
      return html`<p class="notice problem" role="alert">This view could not be drawn: ${broken.message}</p>`;
    }
    const { component } = sandbox.views[route.view];
    return html`<${component} runs=${runs} route=${route} />`;
  }

  function Content({ route, runs }) {
    if (!sandbox.views[route.view]) {
      return html`<p class="notice problem" role="alert">
        There is no view of this name. <a href=${link({ view: "run", run: runs[0].key })}>To the run</a></p>`;
    }
    if (!route.run) return html`<${ViewOfAll} route=${route} runs=${runs} />`;
    if (!runs.some((run) => run.key === route.run)) {
      return html`<p class="notice problem" role="alert">
        This page has no run of this name. <a href=${link({ view: "run", run: runs[0].key })}>To the first run</a></p>`;
    }
    return html`<${View} key=${route.run} route=${route} runs=${runs} />`;
  }

  /** Ask for the data again while a process writes it. */
  function useFollowing(following) {
    useEffect(() => {
      if (!following) return undefined;
      const timer = setInterval(() => sandbox.readIndex().catch(() => {}), FOLLOW_MS);
      return () => clearInterval(timer);
    }, [following]);
  }

  /** Bind the keys that serve in every view. */
  function useCommonKeys(runs, openHelp) {
    const search = () => {
      const field = document.querySelector("[data-search]");
      if (field) field.select();
      else sandbox.go({ view: "interactions", query: { find: 1 } });
    };
    const keys = { "/": { does: "Search", act: search }, "?": { does: "This help", act: openHelp } };
    for (const [name, letter] of ORDER) {
      const view = sandbox.views[name];
      if (!view || (name === "compare" && runs.length < 2)) continue;
      keys[`g ${letter}`] = { does: `Go to: ${view.title}`, act: () => sandbox.go({ view: name }) };
    }
    useKeys(keys);
  }

  /** Move the focus to a view when another one is shown, and say its name in the window's title. */
  function useArrival(route, runs, main) {
    const place = [route.run, route.view, ...route.path].join("/");
    const last = useRef(place);
    useLayoutEffect(() => {
      const run = runs.find((each) => each.key === route.run);
      const title = [`${sandbox.views[route.view]?.title ?? ""} ${route.path.join("/")}`.trim(), run?.name, "social sandbox"].filter(Boolean);
      document.title = visible(title.join(" · "));
      if (last.current === place) return;
      last.current = place;
      if (document.activeElement === document.body || !main.current.contains(document.activeElement)) {
        main.current.focus({ preventScroll: true });
      }
      window.scrollTo(0, 0);
    }, [place]);
  }

  function Shell() {
    const [, again] = useReducer((count) => count + 1, 0);
    const [help, setHelp] = useState(false);
    const route = useRoute();
    const main = useRef(null);
    const { following, runs } = sandbox.index;
    useLayoutEffect(() => sandbox.onChange(again), []);
    useFollowing(following);
    useCommonKeys(runs, () => setHelp(true));
    useArrival(route, runs, main);
    const skip = (event) => {
      event.preventDefault();
      main.current.focus();
    };
    return html`<header class="top">
        <a class="skip" href=${location.hash || "#/"} onClick=${skip}>To the content</a>
        <${RunChoice} route=${route} runs=${runs} />
        <${Navigation} route=${route} runs=${runs} />
        <div class="tools">
          ${following && html`<span class="live" title="The page follows the run and reads its data every two seconds.">live</span>`}
          <${ThemeButton} />
          <button class="plain" title="Keyboard (?)" onClick=${() => setHelp(true)}>
            <span aria-hidden="true">?</span><span class="unseen">Keyboard</span></button>
        </div>
      </header>
      <main ref=${main} tabindex="-1" id="main"><${Content} route=${route} runs=${runs} /></main>
      ${help && html`<${Help} onClose=${() => setHelp(false)} />`}`;
  }

  async function start() {
    const place = document.getElementById("page");
    place.textContent = "";
    try {
      await sandbox.readIndex();
      if (!sandbox.index.runs.length) throw new Error("This page has no runs.");
    } catch (error) {
      render(html`<${Waiting} error=${error} />`, place);
      return;
    }
    render(html`<${Shell} />`, place);
  }
  start();
})();
