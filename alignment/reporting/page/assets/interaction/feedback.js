"use strict";

/** What others said in an interaction: memory, feedback of the peers, and the exact prompts. */
(() => {
  const { ErrorText, Made, Rating, Text, Troubles, html, link } = sandbox;

  /** The memory that came to the agent's mind. */
  function Memory({ memory }) {
    return html`<section class="card" aria-labelledby="memory">
      <div class="row card-head"><h2 id="memory">Memory that came to mind</h2>
        ${memory && html`<span class="small quiet">distance ${Number(memory.distance).toFixed(3)}</span>`}</div>
      ${memory
        ? html`<p class="small quiet">Asked before:</p><${Text} value=${memory.question} limit=${1000} />
            <p class="small quiet">Answered then:</p><${Text} value=${memory.answer} limit=${2000} />`
        : html`<p class="quiet">Nothing came to mind.</p>`}
    </section>`;
  }

  /** The peers' feedback in the order in which the agent read it. */
  function Feedback({ interaction, scale }) {
    const { feedback, round, world } = interaction;
    return html`<section class="card" aria-labelledby="feedback">
      <div class="row card-head"><h2 id="feedback">Feedback</h2>
        ${feedback.length > 0 && html`<span class="small quiet">${feedback.length} ${feedback.length === 1 ? "peer" : "peers"}, in the order in which the agent read them</span>`}</div>
      ${feedback.length === 0 && html`<p class="quiet">No peer gave feedback.</p>`}
      <ol class="feedback">
        ${feedback.map(
          (given) => html`<li>
            <div class="row"><a href=${link({ view: "interaction", path: [world, round, given.peer] })}><${Text} inline value=${given.peer} limit=${60} /></a>
              <${Rating} value=${given.rating} scale=${scale} /><${Troubles} of=${given} /><${Made} by=${given} /></div>
            ${given.reason ? html`<${Text} value=${given.reason} limit=${2000} />` : html`<p class="quiet small">no reason given</p>`}
            <${ErrorText} of=${given} />
          </li>`,
        )}
      </ol>
    </section>`;
  }

  /** The messages that each agent read, one folded turn after the other. */
  function Prompts({ prompts }) {
    if (!prompts.length) return null;
    return html`<section class="card" aria-labelledby="prompts">
      <h2 id="prompts">As the model saw it</h2>
      <p class="small quiet">The exact prompts, in the order of the turns.</p>
      ${prompts.map(
        (prompt, number) => html`<details key=${number} class="folded">
          <summary><${Text} inline value=${prompt.agent} limit=${60} /> <span class="quiet">${[prompt.phase, ...prompt.turn.split("/").slice(4)].join(" ")}</span>
            <span class="quiet small"> <${Text} inline value=${prompt.policy} limit=${60} /></span></summary>
          ${prompt.note && html`<p class="small quiet"><${Text} inline value=${prompt.note} limit=${400} /></p>`}
          ${prompt.messages.map((message) => html`<div class="message"><span class="role"><${Text} inline value=${message.role} limit=${40} /></span><${Text} value=${message.content} /></div>`)}
          ${prompt.prefill && html`<div class="message"><span class="role">the reply begins</span><${Text} value=${prompt.prefill} limit=${400} /></div>`}
        </details>`,
      )}
    </section>`;
  }

  Object.assign(sandbox, { Feedback, Memory, Prompts });
})();
