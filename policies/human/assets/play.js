"use strict";

/** The page on which a person plays an agent: who plays, whose turn it is, and how far all are. */
(() => {
  const { Text, ThemeButton, Turn, html, render, useEffect, useLayoutEffect, useRef, useState } = sandbox;

  /** Milliseconds between two questions to the server. */
  const PAUSE = 700;

  /** The person in the page's address. */
  const NAME = new URLSearchParams(location.search).get("name") ?? "";

  /** A refusal of the server, in contrast to a server that does not answer. */
  class Refused extends Error {}

  /** Make a request; `body` is what is sent. */
  async function request(path, body) {
    const options = body && {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    };
    const answer = await fetch(path, options);
    if (!answer.ok) throw new Refused((await answer.text()).trim() || `The server answers ${answer.status}.`);
    return answer.json();
  }

  /** Who plays, which agent, and how far the society is. */
  function Top({ state }) {
    const turn = state?.turn;
    return html`<header class="top play-top">
      <span class="who"><b><${Text} inline value=${NAME} /></b>${turn && html`<span class="quiet"> plays <${Text} inline value=${turn.agent} /></span>`}</span>
      ${turn && html`<span class="tag">round ${turn.round} of ${state.rounds || turn.round}</span>`}
      ${turn && state.worlds > 1 && html`<span class="tag"><${Text} inline value=${turn.world} /></span>`}
      ${state?.interactions > 0 &&
      html`<span class="row far"><progress class="progress" value=${state.finished} max=${state.interactions} aria-label="Questions that the society has finished"></progress>
        <span class="small quiet number">${state.finished} of ${state.interactions} questions</span></span>`}
      <div class="tools"><${ThemeButton} /></div>
    </header>`;
  }

  /** A quiet page with a heading and a sentence. */
  function Sheet({ title, isBusy = false, children }) {
    const heading = useRef(null);
    useLayoutEffect(() => heading.current.focus({ preventScroll: true }), [title]);
    return html`<section class="sheet stack" role="status">
      ${isBusy && html`<div class="speaking" aria-hidden="true"><i></i><i></i><i></i></div>`}
      <h1 ref=${heading} tabindex="-1">${title}</h1>
      ${children}
    </section>`;
  }

  /** The people who play here, for whoever opens the page without a name. */
  function People() {
    const [names, setNames] = useState(null);
    const [error, setError] = useState("");
    useEffect(() => {
      request("people").then(setNames, (problem) => setError(problem.message));
    }, []);
    return html`<${Sheet} title="Who are you?">
      ${error && html`<p class="problem">${error}</p>`}
      <ul class="people">${(names ?? []).map(
        (name) => html`<li key=${name}><a href=${`?${new URLSearchParams({ name })}`}><${Text} inline value=${name} /></a></li>`,
      )}</ul>
    <//>`;
  }

  /** What is shown below the header. */
  function Content({ state, isLost, error, isSending, onAnswer }) {
    if (isLost) {
      return html`<${Sheet} title="The society is not running">
        <p>It has ended, or was stopped. Your answers so far are kept. When it runs again, this page goes on by itself.</p>
      <//>`;
    }
    if (!state) return html`<p class=${error ? "notice problem" : "notice"} role="status">${error || "Reading …"}</p>`;
    if (state.status === "asked") {
      return html`<${Turn} key=${state.turn.key} turn=${state.turn} error=${error} isSending=${isSending} onAnswer=${onAnswer} />`;
    }
    if (state.status === "done") {
      return html`<${Sheet} title="Thank you, the society has finished">
        <p>You answered ${state.answered} ${state.answered === 1 ? "time" : "times"}. You can close this page.</p>
      <//>`;
    }
    if (state.status === "stopped") {
      return html`<${Sheet} title="The society was stopped">
        <p>Your answers so far are kept. When it runs again, this page goes on by itself.</p>
      <//>`;
    }
    return html`<${Sheet} title="The others are speaking" isBusy>
      <p class="quiet">Your turn comes by itself; there is nothing to do meanwhile.</p>
    <//>`;
  }

  /** Number the title of the window while it is the person's turn. */
  function titleOf(state) {
    if (state?.status === "asked") return `(${state.waiting}) Your turn · social sandbox`;
    return "Play · social sandbox";
  }

  function Page() {
    const [state, setState] = useState(null);
    const [isLost, setLost] = useState(false);
    const [error, setError] = useState("");
    const [isSending, setSending] = useState(false);
    // Two quick presses of a key come before the page is drawn again.
    const isBusy = useRef(false);
    /** Number of answers that were sent. */
    const sent = useRef(0);
    const show = (next) => {
      setLost(false);
      setState((now) => (JSON.stringify(now) === JSON.stringify(next) ? now : next));
    };
    useEffect(() => {
      let timer = 0;
      const ask = async () => {
        try {
          if (!isBusy.current) {
            const before = sent.current;
            const next = await request(`state?${new URLSearchParams({ name: NAME })}`);
            // The reply to an answer that was sent meanwhile knows more.
            if (before === sent.current) show(next);
          }
        } catch (problem) {
          if (problem instanceof Refused) setError(problem.message);
          else setLost(true);
        }
        timer = setTimeout(ask, PAUSE);
      };
      ask();
      return () => clearTimeout(timer);
    }, []);
    useEffect(() => {
      document.title = titleOf(isLost ? null : state);
    }, [state, isLost]);
    const answer = async (given) => {
      if (isBusy.current) return;
      isBusy.current = true;
      sent.current += 1;
      setSending(true);
      try {
        show(await request("answer", { name: NAME, key: state.turn.key, ...given }));
        setError("");
      } catch (problem) {
        setError(problem instanceof Refused ? problem.message : "The society does not answer. What you wrote is kept here.");
      }
      isBusy.current = false;
      setSending(false);
    };
    return html`<${Top} state=${isLost ? null : state} />
      <main><${Content} state=${state} isLost=${isLost} error=${error} isSending=${isSending} onAnswer=${answer} /></main>`;
  }

  const place = document.getElementById("page");
  place.textContent = "";
  render(NAME ? html`<${Page} />` : html`<main><${People} /></main>`, place);
})();
