"use strict";

/** What an agent wrote in an interaction: draft and revision, and the words that changed. */
(() => {
  const { Text, html, textChildren, useMemo, useState } = sandbox;

  /** Milliseconds that a comparison may take. */
  const COMPARE_MS = 700;
  /** Letters above which texts are not compared word by word. */
  const COMPARE_LETTERS = 100_000;
  const WAYS = [
    ["marked", "Marked"],
    ["plain", "Plain"],
    ["beside", "Side by side"],
  ];

  /** Show tokens, cost and policy of something that was said. */
  function Made({ by }) {
    const tokens = by.tokens ?? {};
    const parts = [];
    if (tokens.prompt || tokens.completion) parts.push(`${tokens.prompt ?? 0} + ${tokens.completion ?? 0} tokens`);
    if (tokens.retries) parts.push(`${tokens.retries} retries`);
    if (tokens.usd) parts.push(`$${tokens.usd.toPrecision(2)}`);
    return html`<span class="made small quiet">
      ${by.policy && html`<${Text} inline value=${by.policy} limit=${60} />`}
      ${parts.map((part) => html`<span>${part}</span>`)}
    </span>`;
  }

  /** Say in words what is wrong with something that was said. */
  function Troubles({ of: said }) {
    return html`${said.cut_off && html`<span class="tag" title="The answer reached the limit of tokens before its end.">cut off</span>`}
      ${said.error && html`<span class="tag poor">error</span>`}`;
  }

  function ErrorText({ of: said }) {
    if (!said.error) return null;
    return html`<div class="error-text"><span class="small">Error</span><${Text} value=${said.error} limit=${600} /></div>`;
  }

  /**
   * Compare two texts word by word.
   * @returns {Array | null} Parts of `Diff`; null where this takes too long.
   */
  function compared(before, after) {
    if (before.length + after.length > COMPARE_LETTERS) return null;
    return window.Diff.diffWordsWithSpace(before, after, { timeout: COMPARE_MS }) ?? null;
  }

  /** A text with marks on what was added to it or taken from it. */
  function Marked({ parts, without }) {
    return html`<div class="text" dir="auto">${parts
      .filter((part) => !part[without])
      .map((part) => {
        const inner = textChildren(part.value);
        if (part.added) return html`<ins>${inner}</ins>`;
        return part.removed ? html`<del>${inner}</del>` : html`<bdi>${inner}</bdi>`;
      })}</div>`;
  }

  /** The draft. */
  function Draft({ draft }) {
    return html`<section class="card" aria-labelledby="draft">
      <div class="row card-head"><h2 id="draft">Draft</h2><${Troubles} of=${draft} /><${Made} by=${draft} /></div>
      <${Text} value=${draft.text} /><${ErrorText} of=${draft} />
    </section>`;
  }

  /** The revision, compared with the draft in one of three ways. */
  function Revision({ draft, revision }) {
    const [way, setWay] = useState("marked");
    const same = draft.text === revision.text;
    const parts = useMemo(() => (same ? null : compared(draft.text, revision.text)), [draft.text, revision.text]);
    const shown = same || !parts ? "plain" : way;
    return html`<section class="card" aria-labelledby="revision">
      <div class="row card-head"><h2 id="revision">Revision</h2>
        ${same && html`<span class="tag fair">same as the draft</span>`}
        <${Troubles} of=${revision} /><${Made} by=${revision} />
        ${parts &&
        html`<div class="switch no-print" role="group" aria-label="How the revision is shown">
          ${WAYS.map(([name, label]) => html`<button key=${name} aria-pressed=${way === name ? "true" : "false"} onClick=${() => setWay(name)}>${label}</button>`)}
        </div>`}
      </div>
      ${!same && !parts && html`<p class="small quiet">The texts are too long to be compared word by word.</p>`}
      ${shown === "plain" && html`<${Text} value=${revision.text} />`}
      ${shown === "marked" && html`<${Marked} parts=${parts} />`}
      ${shown === "beside" &&
      html`<div class="beside">
        <div><h3>Draft</h3><${Marked} parts=${parts} without="added" /></div>
        <div><h3>Revision</h3><${Marked} parts=${parts} without="removed" /></div>
      </div>`}
      <${ErrorText} of=${revision} />
    </section>`;
  }

  Object.assign(sandbox, { Draft, ErrorText, Made, Revision, Troubles });
})();
