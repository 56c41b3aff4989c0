"use strict";
// The agents of a society over its rounds: their curves in one drawing, and a line of numbers for each.
(() => {
  const { MEASURES, html, link, useMemo, useRef, useState, valueOf } = sandbox;
  const HEIGHT = 260;
  const MARGIN = { top: 24, right: 14, bottom: 34, left: 36 };
  const SHOWN = 50;

  /** The values of an agent over the rounds, null where there is none. */
  function curve(table, world, rows, measure) {
    return world.rounds.map((round) => (rows.has(round) ? measure.of(table, rows.get(round)) : null));
  }

  const isKnown = (value) => value !== null && value !== undefined;

  /** All curves of a world, and their mean in each round. */
  function curvesOf(table, world, measure) {
    const curves = [...world.agents].map(([agent, rows]) => {
      const values = curve(table, world, rows, measure);
      const known = values.filter(isKnown);
      return { agent, rows, values, first: known[0] ?? null, last: known.at(-1) ?? null, rise: known.length > 1 ? known.at(-1) - known[0] : null };
    });
    const means = world.rounds.map((_, order) => d3.mean(curves, (one) => one.values[order]) ?? null);
    return { curves, means };
  }

  /** A small curve beside an agent's name. */
  function Spark({ values, domain }) {
    const x = d3.scaleLinear([0, Math.max(1, values.length - 1)], [3, 77]);
    const y = d3.scaleLinear(domain, [19, 3]).clamp(true);
    const path = d3.line((_, order) => x(order), (value) => y(value)).defined(isKnown)(values);
    const end = values.findLastIndex(isKnown);
    return html`<svg class="spark" width="80" height="22" aria-hidden="true">
      <path d=${path} />${end >= 0 && html`<circle cx=${x(end)} cy=${y(values[end])} r="2.5" />`}
    </svg>`;
  }

  /** The curves of all agents: thin, their mean thick, the chosen agent's on top. */
  function Curves({ table, world, measure, all, domain, agent, choose, round }) {
    const box = useRef();
    const width = Math.max(240, sandbox.useWidth(box));
    const rounds = world.rounds;
    const x = d3.scaleLinear(d3.extent(rounds), [MARGIN.left + 6, width - MARGIN.right - 6]);
    if (rounds.length === 1) x.domain([rounds[0] - 1, rounds[0] + 1]);
    const y = d3.scaleLinear(domain, [HEIGHT - MARGIN.bottom, MARGIN.top]).clamp(true);
    const draw = d3.line((_, order) => x(rounds[order]), (value) => y(value)).defined(isKnown);
    const faint = Math.max(0.04, Math.min(0.32, 8 / all.curves.length));
    const thin = useMemo(
      () => html`<g class="thin" style=${{ strokeOpacity: faint }}>${all.curves.map((one) => html`<path d=${draw(one.values)} />`)}</g>`,
      [all, width, domain[0], domain[1]],
    );
    const chosen = all.curves.find((one) => one.agent === agent);
    const ticks = x.ticks(Math.min(rounds.length, Math.floor(width / 60))).filter(Number.isInteger);

    const point = (event) => {
      const bounds = box.current.getBoundingClientRect();
      const order = d3.leastIndex(rounds, (one) => Math.abs(x(one) - (event.clientX - bounds.left)));
      const level = event.clientY - bounds.top;
      const nearest = d3.least(all.curves.filter((one) => isKnown(one.values[order])), (one) => Math.abs(y(one.values[order]) - level));
      if (nearest) choose(nearest.agent);
    };
    const press = (event) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const place = all.curves.findIndex((one) => one.agent === agent);
      const next = place < 0 ? 0 : Math.max(0, Math.min(all.curves.length - 1, place + step));
      choose(all.curves[next].agent);
    };
    return html`<div
      class="drawing"
      ref=${box}
      tabindex="0"
      role="group"
      aria-roledescription="figure"
      aria-label=${`Curves of ${all.curves.length} agents: ${measure.words} by round. Arrow keys choose an agent.`}
      onPointerMove=${point}
      onKeyDown=${press}
    >
      <svg class="curves" width=${width} height=${HEIGHT} aria-hidden="true">
        ${y.ticks(5).map(
          (tick) => html`<line class="rule" x1=${MARGIN.left} x2=${width - MARGIN.right} y1=${y(tick)} y2=${y(tick)} />
            <text x=${MARGIN.left - 6} y=${y(tick)} dy="0.32em" text-anchor="end">${tick}</text>`,
        )}
        ${ticks.map((tick) => html`<text x=${x(tick)} y=${HEIGHT - MARGIN.bottom + 18} text-anchor="middle">${tick}</text>`)}
        <text x="2" y="12">${measure.words}</text>
        <text x=${width - MARGIN.right} y=${HEIGHT - 2} text-anchor="end">round</text>
        <line class="now" x1=${x(round)} x2=${x(round)} y1=${MARGIN.top} y2=${HEIGHT - MARGIN.bottom} />
        ${thin}
        <path class="mean" d=${draw(all.means)} />
        ${chosen &&
        html`<g class="strong">
          <path class="halo" d=${draw(chosen.values)} /><path d=${draw(chosen.values)} />
          ${chosen.values.map((value, order) => isKnown(value) && html`<circle cx=${x(rounds[order])} cy=${y(value)} r="4" />`)}
        </g>`}
      </svg>
      <ul class="legend">
        <li><svg class="swatch" width="28" height="14" aria-hidden="true"><path class="mean-key" d="M0,7H28" /></svg>mean of all agents</li>
        <li><svg class="swatch" width="28" height="14" aria-hidden="true"><path class="strong-key" d="M0,7H28" /><circle class="strong-dot" cx="14" cy="7" r="4" /></svg>
          ${chosen ? html`<${sandbox.Text} inline value=${table.names.agent[chosen.agent]} limit=${300} />` : "the chosen agent"}</li>
      </ul>
      <div class="unseen" aria-live="polite">
        ${chosen ? `${table.names.agent[chosen.agent]}: ${chosen.values.map((value) => valueOf(measure, value)).join(", ")}` : ""}
      </div>
    </div>`;
  }

  const SORTS = {
    name: ["name", (one) => one.order],
    rise: ["rise, highest first", (one) => -(one.rise ?? -Infinity)],
    fall: ["fall, deepest first", (one) => one.rise ?? Infinity],
    last: ["last value, highest first", (one) => -(one.last ?? -Infinity)],
    low: ["last value, lowest first", (one) => one.last ?? Infinity],
  };

  /** A line of numbers for each agent, with the way to the agent's history. */
  function AgentTable({ run, table, worldName, measure, all, domain, agent, choose }) {
    const [sort, setSort] = useState("name");
    const [whole, setWhole] = useState(false);
    const sorted = d3.sort(all.curves.map((one, order) => ({ ...one, order })), SORTS[sort][1]);
    const shown = whole ? sorted : sorted.slice(0, SHOWN);
    return html`<div class="agent-list">
      <label class="inline-field">sorted by
        <select value=${sort} onChange=${(event) => setSort(event.target.value)}>
          ${Object.entries(SORTS).map(([name, [words]]) => html`<option value=${name}>${words}</option>`)}
        </select>
      </label>
      <div class="scroller" tabindex="0" role="region" aria-label="Agents">
        <table class="agents">
          <thead>
            <tr><th scope="col">agent</th><th scope="col">view</th><th scope="col">policy</th><th scope="col">rounds</th>
              <th scope="col" class="number">first</th><th scope="col" class="number">last</th><th scope="col" class="number">rise</th></tr>
          </thead>
          <tbody>
            ${shown.map((one) => {
              const name = table.names.agent[one.agent];
              const row = one.rows.values().next().value;
              return html`<tr class=${one.agent === agent ? "chosen" : ""} onPointerEnter=${() => choose(one.agent)}>
                <th scope="row"><a href=${link({ run: run.key, view: "interactions", query: { world: worldName, agent: name, sort: "round" } })}
                  onFocus=${() => choose(one.agent)}><${sandbox.Text} inline value=${name} limit=${300} /></a></th>
                <td>${table.names.view[table.view[row]]}</td>
                <td><${sandbox.Text} inline value=${run.policies[`${worldName}/${name}`] ?? ""} limit=${300} /></td>
                <td><${Spark} values=${one.values} domain=${domain} /></td>
                <td class="number">${valueOf(measure, one.first)}</td>
                <td class="number">${valueOf(measure, one.last)}</td>
                <td class="number">${valueOf({ isChange: true }, one.rise)}</td>
              </tr>`;
            })}
          </tbody>
        </table>
      </div>
      ${sorted.length > shown.length && html`<button type="button" onClick=${() => setWhole(true)}>show all ${sorted.length} agents</button>`}
    </div>`;
  }

  /** Curves and numbers of all agents of a world; a view at birth has no curve, so alignment stands in. */
  sandbox.Agents = function Agents({ run, table, world, worldName, by, agent, choose, round }) {
    const chosen = sandbox.measuresOf(table)[by];
    const measure = chosen.isWord ? MEASURES.alignment : chosen;
    const all = useMemo(() => curvesOf(table, world, measure), [table, world, by]);
    const domain = sandbox.rangeOf(measure, run.rating_scale);
    const shared = { run, table, world, worldName, measure, all, domain, agent, choose, round };
    return html`<section aria-labelledby="agents" class="society-part">
      <h2 id="agents">Agents over the rounds</h2>
      <div class="agents-columns">
        <${Curves} ...${shared} />
        <${AgentTable} ...${shared} />
      </div>
    </section>`;
  };
})();
