"use strict";

/** The two kinds of tasks: a pair of answers to compare, and one answer to rate. */
(() => {
  const { KeyList, SCALES, Text, html, useLayoutEffect, useKeys, useRef, useState } = sandbox;

  /** The question, with the conversation before it. */
  function Question({ task }) {
    const heading = useRef(null);
    useLayoutEffect(() => {
      heading.current.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }, [task.number]);
    return html`<section class="question">
      <h1 ref=${heading} tabindex="-1" class="eyebrow">Question<span class="unseen"> of task ${task.done + 1} of ${task.total}</span></h1>
      ${task.earlier.length > 0 &&
      html`<details open><summary class="small quiet">The conversation so far</summary>
        ${task.earlier.map(
          ([question, answer], place) => html`<div key=${place} class="earlier">
            <span class="eyebrow">Person</span><${Text} value=${question} limit=${1500} />
            <span class="eyebrow">Model</span><${Text} value=${answer} limit=${1500} /></div>`,
        )}</details>`}
      <div class="asked"><${Text} value=${task.question} limit=${3000} /></div>
    </section>`;
  }

  /** An answer; one without a letter says so. */
  function Answer({ title, text, isChosen }) {
    return html`<article class=${isChosen ? "answer card chosen" : "answer card"}>
      <h2 class="eyebrow">${title}${isChosen && html` <span class="tag chosen-tag">✓ better</span>`}</h2>
      ${text.trim() ? html`<${Text} value=${text} />` : html`<p class="quiet">(The model gave no answer.)</p>`}
    </article>`;
  }

  /** The bar at the foot of the page: what is chosen, and the way on. */
  function Foot({ kind, isReady, isSending, error, onNext, children }) {
    return html`<footer class="foot">
      ${error && html`<p class="problem" role="alert">${error}</p>`}
      <div class="foot-row">${children}
        <button class="primary large next" disabled=${!isReady || isSending} onClick=${onNext}>
          ${isSending ? "Saving …" : "Next"}</button></div>
      <${KeyList} kind=${kind} />
    </footer>`;
  }

  const CHOICES = [
    ["left", "A is better"],
    ["tie", "Tie"],
    ["right", "B is better"],
  ];

  /**
   * A pair of answers.
   * @param {object} task The task.
   * @param {boolean} isSending Whether a judgement is on its way.
   * @param {string} error What went wrong with the last one.
   * @param {(judgement: object) => void} onJudge Sends a judgement.
   */
  function Pair({ task, isSending, error, onJudge }) {
    const [choice, setChoice] = useState(null);
    const next = () => choice && onJudge({ choice });
    const choose = (side) => ({ does: "", act: () => setChoice(side) });
    const sides = { ArrowLeft: "left", ArrowRight: "right" };
    // Inside the group too, where an arrow else goes one step further.
    const chooseByArrow = (event) => {
      if (!sides[event.key]) return;
      event.preventDefault();
      setChoice(sides[event.key]);
    };
    useKeys({
      ArrowLeft: { does: "A is better", act: () => setChoice("left") },
      ArrowRight: { does: "B is better", act: () => setChoice("right") },
      t: { does: "Tie", act: () => setChoice("tie") },
      T: choose("tie"),
      a: choose("left"),
      b: choose("right"),
      Enter: { does: "Next", act: next },
    });
    return html`<div class="stack task">
      <${Question} task=${task} />
      <div class="pair">
        <${Answer} title="Answer A" text=${task.answers[0]} isChosen=${choice === "left"} />
        <${Answer} title="Answer B" text=${task.answers[1]} isChosen=${choice === "right"} />
      </div>
    </div>
    <${Foot} kind="pair" isReady=${choice} isSending=${isSending} error=${error} onNext=${next}>
      <fieldset class="choices" onKeyDown=${chooseByArrow}><legend class="unseen">Which answer is the better one?</legend>
        ${CHOICES.map(
          ([side, words]) => html`<label key=${side} class="choice">
            <input type="radio" name="choice" checked=${choice === side} onChange=${() => setChoice(side)} />${words}</label>`,
        )}</fieldset>
    <//>`;
  }

  /** One of the two scales. */
  function Scale({ name, value, isActive, onActive, onRate }) {
    const { title, question, words } = SCALES[name];
    return html`<fieldset class=${isActive ? "scale active" : "scale"} onFocusIn=${onActive}>
      <legend><b>${title}</b> <span class="quiet">${question}</span></legend>
      <div class="numbers">
        ${words.map(
          (word, place) => html`<label key=${place} class="choice number" title=${word}>
            <input type="radio" name=${name} checked=${value === place + 1} onChange=${() => onRate(place + 1)} />${place + 1}<span
              class="unseen">: ${word}</span></label>`,
        )}
      </div>
      <p class="small ends" aria-hidden="true">${
        value ? html`<span class="word">${value}: ${words[value - 1]}</span>` : html`<span>1: ${words[0]}</span><span>7: ${words[6]}</span>`
      }</p>
    </fieldset>`;
  }

  /** One answer with its two scales; see `Pair` for the arguments. */
  function Rating({ task, isSending, error, onJudge }) {
    const [ratings, setRatings] = useState({});
    const [active, setActive] = useState("alignment");
    const other = active === "alignment" ? "engagement" : "alignment";
    const isReady = Boolean(ratings.alignment && ratings.engagement);
    const next = () => isReady && onJudge(ratings);
    const rate = (name, rating) => setRatings((before) => ({ ...before, [name]: rating }));
    const rateByKey = (rating) => {
      rate(active, rating);
      if (!ratings[other]) setActive(other);
    };
    const keys = { Enter: { does: "Next", act: next } };
    for (let rating = 1; rating <= 7; rating += 1) keys[rating] = { does: "Rate", act: () => rateByKey(rating) };
    for (const name of Object.keys(SCALES)) {
      keys[name[0]] = { does: SCALES[name].title, act: () => setActive(name) };
      keys[name[0].toUpperCase()] = { does: "", act: () => setActive(name) };
    }
    useKeys(keys);
    return html`<div class="stack task single">
      <${Question} task=${task} />
      <${Answer} title="Answer" text=${task.answers[0]} />
    </div>
    <${Foot} kind="rating" isReady=${isReady} isSending=${isSending} error=${error} onNext=${next}>
      <div class="scales">
        ${Object.keys(SCALES).map(
          (name) => html`<${Scale} key=${name} name=${name} value=${ratings[name]} isActive=${active === name}
            onActive=${() => setActive(name)} onRate=${(rating) => rate(name, rating)} />`,
        )}
      </div>
    <//>`;
  }

  Object.assign(sandbox, { Pair, Rating });
})();
