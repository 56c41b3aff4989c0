"use strict";

/** The page on which people judge answers: who judges, what comes next, and how far they are. */
(() => {
  const { Briefing, Instructions, Pair, Rating, Text, ThemeButton, Welcome } = sandbox;
  const { html, readStudy, readTask, render, sendJudgement, useEffect, useLayoutEffect, useKeys, useRef, useState } = sandbox;

  /** The rater in the page's address. */
  function raterOfAddress() {
    return new URLSearchParams(location.search).get("rater") ?? "";
  }

  /** Write the rater into the address, so that a reload and a bookmark go on from here. */
  function writeAddress(rater) {
    history.replaceState(null, "", `?${new URLSearchParams({ rater })}`);
  }

  function Progress({ task }) {
    const { done, total } = task;
    return html`<span class="count number">${done} of ${total}</span>
      <progress class="progress" value=${done} max=${total} aria-label="Tasks done"></progress>`;
  }

  /** The instructions once more, in a dialog. */
  function InstructionsDialog({ kind, onClose }) {
    const dialog = useRef(null);
    useLayoutEffect(() => dialog.current.showModal(), []);
    return html`<dialog ref=${dialog} class="wide" aria-labelledby="instructions-title" onClose=${onClose}>
      <h2 id="instructions-title">How to judge</h2>
      <${Instructions} kind=${kind} />
      <form method="dialog"><button autofocus>Close</button></form>
    </dialog>`;
  }

  /** How far the rater is, who that is, and the tools of the page. */
  function Top({ task, isTask, onInstructions }) {
    return html`<header class="top rate-top">
      ${task && html`<${Progress} task=${task} />`}
      <span class="who quiet">${task && html`<${Text} inline value=${task.rater} />`}</span>
      <div class="tools">
        ${isTask && html`<button class="plain" onClick=${onInstructions}>Instructions</button>`}
        <${ThemeButton} />
      </div>
    </header>`;
  }

  function Done({ task }) {
    const heading = useRef(null);
    useLayoutEffect(() => heading.current.focus(), []);
    return html`<section class="sheet stack">
      <h1 ref=${heading} tabindex="-1">Thank you, that was all</h1>
      <p>All ${task.total} judgements are kept. You can close this page.</p>
    </section>`;
  }

  /** Whether instructions are due: later ones are behind the button. */
  function isBriefing(task, briefed) {
    return Boolean(task.first) && !briefed.has(task.kind);
  }

  /** What is shown below the header. */
  function Content({ study, task, briefed, error, onName, onStart, sending, onJudge }) {
    if (error && !task) return html`<p class="notice problem" role="alert">${error}</p>`;
    if (!study) return html`<p class="notice" role="status">Reading …</p>`;
    if (!task) return html`<${Welcome} study=${study} onName=${onName} />`;
    if (!task.kind) return html`<${Done} task=${task} />`;
    if (isBriefing(task, briefed)) {
      return html`<${Briefing} key=${task.kind} kind=${task.kind} isLater=${task.number > 0} onStart=${onStart} />`;
    }
    const View = task.kind === "pair" ? Pair : Rating;
    return html`<${View} key=${task.number} task=${task} isSending=${sending} error=${error} onJudge=${onJudge} />`;
  }

  function Page() {
    const [study, setStudy] = useState(null);
    const [task, setTask] = useState(null);
    const [error, setError] = useState("");
    const [sending, setSending] = useState(false);
    const [briefed, setBriefed] = useState(new Set());
    const [dialog, setDialog] = useState(false);
    const shown = useRef(0);
    // Two quick presses of Enter come before the page is drawn again.
    const isBusy = useRef(false);

    const show = (next) => {
      shown.current = performance.now();
      setTask(next);
      setError("");
    };
    const open = (rater) =>
      readTask(rater).then(
        (next) => {
          writeAddress(next.rater);
          show(next);
        },
        (problem) => setError(problem.message),
      );
    useEffect(() => {
      readStudy().then(
        (value) => {
          setStudy(value);
          if (raterOfAddress()) open(raterOfAddress());
        },
        (problem) => setError(problem.message),
      );
    }, []);
    useKeys({ "?": { does: "Instructions", act: () => task?.kind && setDialog(true) } });
    const start = () => {
      shown.current = performance.now();
      setBriefed(new Set([...briefed, task.kind]));
    };
    const judge = async (judgement) => {
      if (isBusy.current) return;
      isBusy.current = true;
      setSending(true);
      const seconds = (performance.now() - shown.current) / 1000;
      const { rater, number } = task;
      try {
        show(await sendJudgement({ study: task.study, rater, number, seconds, ...judgement }));
      } catch (problem) {
        setError(problem.message);
      }
      isBusy.current = false;
      setSending(false);
    };
    return html`<${Top} task=${task} isTask=${task?.kind && !isBriefing(task, briefed)} onInstructions=${() => setDialog(true)} />
      <main><${Content} study=${study} task=${task} briefed=${briefed} error=${error} sending=${sending}
        onName=${open} onStart=${start} onJudge=${judge} /></main>
      ${dialog && html`<${InstructionsDialog} kind=${task.kind} onClose=${() => setDialog(false)} />`}`;
  }

  const place = document.getElementById("page");
  place.textContent = "";
  render(html`<${Page} />`, place);
})();
