"use strict";
// Several runs side by side: what they were, what differs, what came out.
(() => {
  const { html, link, useEffect, useState } = sandbox;

  /** Whether the values of a row are not all the same. */
  const differs = (values) => new Set(values).size > 1;

  /** A table with a column for each run; rows that differ are marked by a word and by weight. */
  function SideBySide({ id, title, runs, rows, empty }) {
    return html`<section class="society-part">
      <h2 id=${id}>${title}</h2>
      ${rows.length === 0
        ? html`<p class="quiet">${empty}</p>`
        : html`<div class="scroller" tabindex="0" role="region" aria-label=${title}>
            <table class="side-by-side">
              <thead>
                <tr>
                  <td></td>
                  ${runs.map((run) => html`<th scope="col"><a href=${link({ run: run.key })}><${sandbox.Text} inline value=${run.name} limit=${300} /></a></th>`)}
                </tr>
              </thead>
              <tbody>
                ${rows.map(
                  ({ label, values }) => html`<tr class=${differs(values) ? "differs" : ""}>
                    <th scope="row"><${sandbox.Text} inline value=${label} limit=${300} />${differs(values) && html`<span class="unseen"> (differs)</span>`}</th>
                    ${values.map((value) => html`<td><${sandbox.Text} inline value=${value} limit=${300} /></td>`)}
                  </tr>`,
                )}
              </tbody>
            </table>
          </div>`}
    </section>`;
  }

  /** Facts by label, in the order of the first run that has them. */
  function factRows(runs) {
    const labels = [...new Set(runs.flatMap((run) => run.facts.map((fact) => fact.label)))];
    return labels.map((label) => ({
      label,
      values: runs.map((run) => run.facts.find((fact) => fact.label === label)?.value ?? "–"),
    }));
  }

  /** Settings in which the runs differ; a run that does not name a setting has its default. */
  function settingRows(runs) {
    const defaults = new Map(runs.flatMap((run) => run.settings.map((setting) => [setting.name, setting.default])));
    return [...defaults]
      .map(([label, fallback]) => ({
        label,
        values: runs.map((run) => run.settings.find((setting) => setting.name === label)?.value ?? `${fallback} (default)`),
      }))
      .filter(({ values }) => differs(values));
  }

  /** Results as numbers, for those who read tables. */
  function headlineRows(runs) {
    const labels = [...new Set(runs.flatMap((run) => run.headlines.map((one) => one.label)))];
    return labels.map((label) => ({
      label,
      values: runs.map((run) => {
        const found = run.headlines.find((one) => one.label === label);
        if (!found) return "–";
        const words = sandbox.verdict(found)?.word;
        const value = sandbox.estimate({ y: found.value, low: found.low, high: found.high });
        return [value, found.unit, words && `(${words})`].filter(Boolean).join(" ");
      }),
    }));
  }

  /** One figure of all runs, chosen among those that several runs have. */
  function Overlay({ runs, id, show }) {
    const shared = sandbox.sharedFigures(runs);
    if (shared.length === 0) return null;
    const chosen = shared.some((one) => one.id === id) ? id : (shared.find((one) => one.id === "ratings") ?? shared[0]).id;
    return html`<section aria-labelledby="overlay" class="society-part">
      <h2 id="overlay">One figure of all runs</h2>
      <label class="inline-field">figure
        <select value=${chosen} onChange=${(event) => show({ figure: event.target.value })}>
          ${shared.map((one) => html`<option value=${one.id}>${one.title}</option>`)}
        </select>
      </label>
      <div class="figures">
        ${sandbox.overlaid(runs, chosen).map((figure) => html`<${sandbox.Figure} key=${figure.id} figure=${figure} name="runs" />`)}
      </div>
    </section>`;
  }

  /** All runs, once their records are there. */
  function SideBySideView({ runs, query }) {
    const show = (change) => sandbox.go({ view: "compare", query: { ...query, ...change } }, { replace: true });
    return html`<div class="compare-view">
      <h1>Runs side by side</h1>
      <div class="figures">
        ${sandbox.headlineFigures(runs).map((figure) => html`<${sandbox.Figure} key=${figure.id} figure=${figure} name="runs" />`)}
      </div>
      <${SideBySide} id="results" title="Results" runs=${runs} rows=${headlineRows(runs)} empty="No run has results yet." />
      <${SideBySide} id="different-settings" title="Settings that differ between the runs" runs=${runs} rows=${settingRows(runs)} empty="None." />
      <${SideBySide} id="different-facts" title="What they were" runs=${runs} rows=${factRows(runs)} empty="Nothing is known." />
      <${Overlay} runs=${runs} id=${query.figure} show=${show} />
      <${sandbox.SameQuestion} runs=${runs} question=${query.question === undefined ? -1 : Number(query.question)} show=${show} />
    </div>`;
  }

  /** The view; it belongs to no single run. */
  function CompareView({ runs, route }) {
    const [state, setState] = useState({});
    useEffect(() => {
      let current = true;
      Promise.all(runs.map((run) => sandbox.load(`${run.key}/run`))).then(
        (records) => current && setState({ records }),
        (error) => current && setState({ error }),
      );
      return () => {
        current = false;
      };
    }, [runs, sandbox.index?.stamp]);
    if (!state.records) return html`<${sandbox.Waiting} error=${state.error} />`;
    return html`<${SideBySideView} runs=${state.records} query=${route.query} />`;
  }

  sandbox.views.compare = { title: "Compare", component: CompareView };
})();
