"use strict";
// The first view of a run: what the run was, how far it has come, what came out, and how healthy the society is.
(() => {
  const { html, link, number } = sandbox;

  /** Number of facts above everything else; the whole list is further down. */
  const SUMMARY = 5;
  const STAGE_SIGNS = { complete: "✓", running: "…", interrupted: "!", missing: "○" };
  const HEALTH_SIGNS = { good: "✓", fair: "~", poor: "!" };

  /** Write a change with its sign. */
  const signed = (value, digits = 2) => (Number(value.toFixed(digits)) === 0 ? value.toFixed(digits).replace("-", "") : d3.format(`+,.${digits}f`)(value));

  /** Decimals that an estimate deserves: those in which its interval differs. */
  function decimals({ value, low, high }) {
    const size = low !== null && high !== null && high > low ? high - low : Math.abs(value) || 1;
    if (size >= 0.1) return size >= 30 ? 0 : size >= 3 ? 1 : 2;
    return Math.min(5, 1 - Math.floor(Math.log10(size)));
  }

  /**
   * Judge a result by its interval.
   *
   * @returns `word` and `sign` for people, and `tone` for the style sheet.
   */
  function verdict({ value, low, high, good, against }) {
    if (value === null) return { word: "not measured", sign: "○", tone: "quiet" };
    if (!good || against === null) return null;
    if (low === null || high === null) return { word: "no interval", sign: "○", tone: "quiet" };
    const than = against === 0 ? "" : " than chance";
    if (low <= against && high >= against)
      return { word: `unclear: the interval includes ${number(against)}`, sign: "≈", tone: "quiet" };
    return (low - against) * good > 0
      ? { word: `better${than}`, sign: "▲", tone: "good" }
      : { word: `worse${than}`, sign: "▼", tone: "poor" };
  }

  /** The interval of an estimate as a line beside the value that means nothing. */
  function Whisker({ estimate, domain }) {
    const place = d3.scaleLinear(domain, [4, 196]);
    return html`<svg class="whisker" viewBox="0 0 200 16" preserveAspectRatio="none" aria-hidden="true">
      <line class="whisker-zero" x1=${place(estimate.against)} x2=${place(estimate.against)} y1="0" y2="16" />
      <line class="whisker-range" x1=${place(estimate.low)} x2=${place(estimate.high)} y1="8" y2="8" />
      <line class="whisker-value" x1=${place(estimate.value)} x2=${place(estimate.value)} y1="3" y2="13" />
    </svg>`;
  }

  /** A headline result: value, interval, and what both mean in a word. */
  function Headline({ estimate, domain }) {
    const judged = verdict(estimate);
    const isChange = estimate.against === 0;
    const hasInterval = estimate.value !== null && estimate.low !== null && estimate.high !== null;
    const digits = estimate.value === null ? 0 : decimals(estimate);
    const written = (value) => (isChange ? signed(value, digits) : d3.format(`,.${digits}f`)(value));
    return html`<li class=${`headline tone-${judged?.tone ?? "quiet"}`}>
      <h3><${sandbox.Text} inline value=${estimate.label} limit=${300} /></h3>
      <p class="headline-value">
        ${estimate.value === null ? "none" : written(estimate.value)}
        ${estimate.unit && html`${" "}<small><${sandbox.Text} inline value=${estimate.unit} limit=${300} /></small>`}
      </p>
      ${hasInterval && estimate.against !== null && html`<${Whisker} estimate=${estimate} domain=${domain} />`}
      ${hasInterval &&
      html`<p class="headline-interval">
        95 %: ${written(estimate.low)} to ${written(estimate.high)}
      </p>`}
      ${judged && html`<p class="verdict"><span aria-hidden="true">${judged.sign}</span> ${judged.word}</p>`}
      ${estimate.note && html`<p class="quiet"><${sandbox.Text} inline value=${estimate.note} limit=${300} /></p>`}
    </li>`;
  }

  /** Results that can be drawn on one scale have the same family. */
  const family = (estimate) => `${estimate.unit}\n${estimate.against}`;

  /** The headline results; changes of one unit share the scale of their intervals. */
  function Headlines({ estimates }) {
    const domains = d3.rollup(
      estimates,
      (group) => d3.extent(group.flatMap((one) => [one.against, one.value, one.low, one.high])),
      family,
    );
    return html`<section aria-labelledby="headlines">
      <h2 id="headlines">Results</h2>
      <ul class="headlines">
        ${estimates.map((one) => html`<${Headline} estimate=${one} domain=${domains.get(family(one))} />`)}
      </ul>
    </section>`;
  }

  /** How far each stage has come. */
  function Stages({ stages }) {
    return html`<ol class="stages" aria-label="Stages">
      ${stages.map(
        (stage) => html`<li class=${`stage stage-${stage.state}`}>
          <span class="stage-sign" aria-hidden="true">${STAGE_SIGNS[stage.state] ?? "○"}</span>
          <span><b>${stage.name}</b> <span class="quiet">${stage.state}${stage.note && html`, <${sandbox.Text} inline value=${stage.note} limit=${300} />`}</span></span>
        </li>`,
      )}
    </ol>`;
  }

  /** Signs of a sick society, each with a way to the interactions that are counted. */
  function HealthStrip({ run }) {
    const share = (sign) => (sign.of ? sign.count / sign.of : 0);
    const address = (sign) =>
      link({ run: run.key, view: "interactions", query: Object.fromEntries(new URLSearchParams(sign.filter)) });
    return html`<section aria-labelledby="health">
      <h2 id="health">Health of the society</h2>
      <ul class="health">
        ${run.health.map((sign) => {
          const words = html`<span class="health-label"><${sandbox.Text} inline value=${sign.label} limit=${300} /></span>
            <span class="health-count">${number(sign.count)} of ${number(sign.of)} (${d3.format(".0%")(share(sign))})</span>`;
          return html`<li class=${`health-sign tone-${sign.state}`} title=${sign.note}>
            ${sign.filter ? html`<a href=${address(sign)}>${words}</a>` : html`<span>${words}</span>`}
            <span class="verdict"><span aria-hidden="true">${HEALTH_SIGNS[sign.state]}</span> ${sign.state}</span>
            ${sign.note && html`<span class="quiet"><${sandbox.Text} inline value=${sign.note} limit=${300} /></span>`}
          </li>`;
        })}
      </ul>
    </section>`;
  }

  /** What the run was. */
  function Facts({ facts }) {
    return html`<section aria-labelledby="facts">
      <h2 id="facts">What it was</h2>
      <dl class="run-facts">
        ${facts.map(
          (fact) => html`<div>
            <dt>${fact.label}</dt>
            <dd>
              <${sandbox.Text} inline value=${fact.value} limit=${300} />
              ${fact.detail && html`<details><summary>more</summary><pre class="fact-detail"><${sandbox.Text} inline value=${fact.detail} limit=${300} /></pre></details>`}
            </dd>
          </div>`,
        )}
      </dl>
    </section>`;
  }

  /** Settings that differ from the default. */
  function Settings({ settings }) {
    return html`<section>
      <h2 id="settings">Settings that differ from the default</h2>
      ${settings.length === 0
        ? html`<p class="quiet">None.</p>`
        : html`<div class="scroller" tabindex="0" role="region" aria-label="Settings that differ from the default">
            <table class="settings">
              <thead><tr><th scope="col">setting</th><th scope="col">here</th><th scope="col">default</th></tr></thead>
              <tbody>
                ${settings.map(
                  (setting) => html`<tr>
                    <th scope="row"><code>${setting.name}</code></th>
                    <td><code><${sandbox.Text} inline value=${setting.value} limit=${300} /></code></td>
                    <td class="quiet"><code><${sandbox.Text} inline value=${setting.default} limit=${300} /></code></td>
                  </tr>`,
                )}
              </tbody>
            </table>
          </div>`}
    </section>`;
  }

  /** What a reader should know before believing anything. */
  function Notes({ notes }) {
    return html`<section class="notes" aria-label="Notes">
      <ul>${notes.map((note) => html`<li><${sandbox.Text} inline value=${note} limit=${300} /></li>`)}</ul>
    </section>`;
  }

  /** Figures of other views that belong to a first look. */
  const OVERVIEW = new Set(["shares-alignment", "training-loss", "held-out-norms", "held-out-differences"]);

  /** The figures of one place, in the order of the record; the run shows some of other places too. */
  sandbox.Figures = function Figures({ run, place }) {
    const figures = run.figures.filter(
      (figure) => figure.place === place || (place === "run" && OVERVIEW.has(figure.id) && !sandbox.isEmpty(figure)),
    );
    return html`<div class="figures">
      ${figures.map((figure) => html`<${sandbox.Figure} key=${figure.id} figure=${figure} name=${run.key} />`)}
    </div>`;
  };

  /** What there is to look at, with its number. */
  function Counts({ run }) {
    const views = { interactions: "interactions", groups: "data", answers: "answers" };
    const shown = Object.entries(views).filter(([name]) => run.counts[name]);
    return html`<p class="counts">
      ${shown.map(
        ([name, view]) => html`<a href=${link({ run: run.key, view })}>${number(run.counts[name])} ${name === "groups" ? "training groups" : name}</a>${" "}`,
      )}
    </p>`;
  }

  /** The view. */
  function RunView({ run }) {
    return html`<div class="run-view">
      <header>
        <h1><${sandbox.Text} inline value=${run.name} limit=${300} /></h1>
        <p class="quiet run-path"><${sandbox.Text} inline value=${run.path} limit=${300} /></p>
        ${run.facts.length > 0 &&
        html`<ul class="run-summary">
          ${run.facts.slice(0, SUMMARY).map((fact) => html`<li><span class="quiet">${fact.label}</span> <${sandbox.Text} inline value=${fact.value} limit=${300} /></li>`)}
        </ul>`}
        <${Counts} run=${run} />
      </header>
      ${run.stages.length > 0 && html`<${Stages} stages=${run.stages} />`}
      ${run.notes.length > 0 && html`<${Notes} notes=${run.notes} />`}
      ${run.headlines.length > 0 && html`<${Headlines} estimates=${run.headlines} />`}
      ${run.health.length > 0 && html`<${HealthStrip} run=${run} />`}
      <${sandbox.Figures} run=${run} place="run" />
      <div class="two-columns">
        ${run.facts.length > 0 && html`<${Facts} facts=${run.facts} />`}
        <${Settings} settings=${run.settings} />
      </div>
    </div>`;
  }

  sandbox.family = family;
  sandbox.verdict = verdict;
  sandbox.signed = signed;
  sandbox.views.run = { title: "Run", component: RunView };
})();
