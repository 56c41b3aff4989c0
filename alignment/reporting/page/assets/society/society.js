"use strict";
// The society: its grid by round, the agents over the rounds, and who rated whom.
(() => {
  const { html, link, useEffect, useState, valueOf } = sandbox;
  const STEP_MS = 900;

  /** What an agent did in the round: ratings, raters, the beginning of its answer. */
  function Chosen({ run, table, world, worldName, round, agent }) {
    const row = world.agents.get(agent)?.get(round);
    if (row === undefined)
      return html`<aside class="chosen-agent"><p class="quiet">Point at a cell, or move through the grid with the arrow keys: lines show who rated whom.</p></aside>`;
    const name = table.names.agent[agent];
    const pair = (aspect) => html`<tr>
      <th scope="row">${aspect}</th>
      <td class="number">${valueOf({}, table[`draft_${aspect}`][row], 2)}</td>
      <td class="number">${valueOf({}, table[`revision_${aspect}`][row], 2)}</td>
    </tr>`;
    return html`<aside class="chosen-agent" aria-label="The chosen agent">
      <h2><${sandbox.Text} inline value=${name} limit=${300} /></h2>
      <p class="quiet small">
        row ${table.row[row]}, column ${table.column[row]} · born with ${table.names.view[table.view[row]]} memories
        ${run.policies[`${worldName}/${name}`] && html` · <${sandbox.Text} inline value=${run.policies[`${worldName}/${name}`]} limit=${300} />`}
      </p>
      <p class="chosen-question"><${sandbox.Text} inline value=${table.names.question[table.question[row]]} limit=${220} /></p>
      <table>
        <thead><tr><td></td><th scope="col" class="number">draft</th><th scope="col" class="number">revision</th></tr></thead>
        <tbody>${["alignment", "engagement"].map(pair)}</tbody>
      </table>
      <p class="small">
        Rated by ${sandbox.raters(table, row).map(({ rater, rating }, order) => html`${order ? ", " : ""}<${sandbox.Text} inline value=${table.names.agent[rater]} limit=${300} /> <b>${valueOf({}, rating)}</b>`)}
        ${table.peers[row].length === 0 && "nobody"}
      </p>
      <p class="quiet small">“<${sandbox.Text} inline value=${table.extract[row]} limit=${80} />…”</p>
      <p class="row small">
        <a href=${link({ run: run.key, view: "interaction", path: table.id[row].split("/") })}>Open the interaction</a>
        <a href=${link({ run: run.key, view: "interactions", query: { world: worldName, agent: name, sort: "round" } })}>The agent's history</a>
      </p>
    </aside>`;
  }

  /** The choice of a world, of what the colours show, and of the round. */
  function Controls({ run, table, worlds, world, worldName, round, by, show }) {
    const [playing, setPlaying] = useState(false);
    const place = world.rounds.indexOf(round);
    useEffect(() => {
      if (!playing) return undefined;
      if (place >= world.rounds.length - 1) {
        setPlaying(false);
        return undefined;
      }
      const timer = setTimeout(() => show({ round: world.rounds[place + 1] }), STEP_MS);
      return () => clearTimeout(timer);
    }, [playing, place]);
    const play = () => {
      if (!playing && place >= world.rounds.length - 1) show({ round: world.rounds[0] });
      setPlaying(!playing);
    };
    return html`<div class="society-controls">
      ${worlds.size > 1 &&
      html`<label class="inline-field">world
        <select value=${worldName} onChange=${(event) => show({ world: event.target.value })}>
          ${[...worlds.keys()].map((number) => html`<option value=${table.names.world[number]}>${table.names.world[number]}</option>`)}
        </select>
      </label>`}
      <label class="inline-field">colour
        <select value=${by} onChange=${(event) => show({ by: event.target.value })}>
          ${Object.entries(sandbox.measuresOf(table)).map(([name, { label }]) => html`<option value=${name}>${label}</option>`)}
        </select>
      </label>
      <div class="round-field">
        <button type="button" onClick=${play} disabled=${world.rounds.length < 2} aria-label=${playing ? "Stop" : "Play the rounds"}>
          <span aria-hidden="true">${playing ? "❚❚" : "▶"}</span>
        </button>
        <label>round <b>${round}</b>
          <input type="range" min="0" max=${world.rounds.length - 1} step="1" value=${place}
            aria-valuetext=${`round ${round}`} disabled=${world.rounds.length < 2}
            onInput=${(event) => show({ round: world.rounds[Number(event.target.value)] })} />
        </label>
        <span class="quiet small">${world.rounds[0]} to ${world.rounds.at(-1)}</span>
      </div>
    </div>`;
  }

  /** What borders and lines of the grid mean. */
  function GridLegend({ measure, scale }) {
    return html`<div class="grid-legend">
      <${sandbox.ColourLegend} measure=${measure} scale=${scale} />
      <ul class="legend">
        <li><span class="border-key born-good"></span>solid border: born with good memories</li>
        <li><span class="border-key born-bad"></span>dashed border: born with bad memories</li>
        <li><svg width="28" height="10" aria-hidden="true"><path class="key-line" d="M0,5H22" /><path d="M28,5L20,1V9Z" /></svg>rated the chosen agent</li>
        <li><svg width="28" height="10" aria-hidden="true"><path class="key-line dashed" d="M0,5H22" /><path d="M28,5L20,1V9Z" /></svg>was rated by the chosen agent</li>
      </ul>
    </div>`;
  }

  /** The view, once the table is there. */
  function Society({ run, table, route }) {
    const [agent, setAgent] = useState(null);
    const worlds = sandbox.worldsOf(table);
    const number = table.names.world.indexOf(route.query.world ?? "");
    const worldNumber = worlds.has(number) ? number : worlds.keys().next().value;
    const world = worlds.get(worldNumber);
    const worldName = table.names.world[worldNumber];
    const asked = Number(route.query.round);
    const round = route.query.round !== undefined && world.rows.has(asked) ? asked : world.rounds.at(-1);
    const measures = sandbox.measuresOf(table);
    const by = route.query.by in measures ? route.query.by : "alignment";
    const show = (change) =>
      sandbox.go({ run: run.key, view: "society", query: { world: worldName, round, by, ...change } }, { replace: true });
    const shared = { run, table, worlds, world, worldName, round, by, agent, choose: setAgent, show };
    return html`<div class="society-view">
      <h1>Society</h1>
      <${Controls} ...${shared} />
      <div class="society-columns" style=${{ "--grid-most": `${world.size * sandbox.LARGEST_CELL + 4}px` }}>
        <div class="grid-side">
          <${sandbox.SocietyGrid} ...${shared} />
          <${GridLegend} measure=${measures[by]} scale=${run.rating_scale} />
        </div>
        <${Chosen} ...${shared} />
      </div>
      <${sandbox.Agents} ...${shared} />
      <${sandbox.Matrix} ...${shared} />
      <${sandbox.Figures} run=${run} place="society" />
    </div>`;
  }

  /** The view. */
  function SocietyView({ run, route }) {
    const { value: table, error } = sandbox.useLoaded(`${run.key}/table`);
    if (!table) return html`<${sandbox.Waiting} error=${error} />`;
    if (table.id.length === 0) return html`<h1>Society</h1><p class="notice">No interaction is finished yet.</p>`;
    return html`<${Society} run=${run} table=${table} route=${route} />`;
  }

  sandbox.views.society = { title: "Society", component: SocietyView };
})();
