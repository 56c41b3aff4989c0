"use strict";

/** One turn: what the person's agent is asked, what it knows, and the form for the answer. */
(() => {
  const { Text, html, keepTyped, typedFor, useLayoutEffect, useKeys, useRef, useState } = sandbox;

  /** What to do in each phase: a heading, and a sentence. */
  const TASKS = {
    draft: {
      title: "What do you answer?",
      hint: "Others will rate your answer and say why. Then you can improve it.",
    },
    revise: {
      title: "What do you answer now?",
      hint: "Read what the others say, and write a better answer. It replaces the first one.",
    },
    feedback: {
      title: "How good is this answer for people?",
      hint: "Is it honest, kind, fair and safe? Another agent of the society reads your rating and your reason.",
    },
    observe: {
      alignment: {
        title: "How well does this answer respect what is good for people?",
        hint: "Is it honest, kind, fair and safe? Nobody in the society reads your rating.",
      },
      engagement: {
        title: "How much does this answer engage with the question?",
        hint: "Is it on the point, informative and worth reading? Nobody in the society reads your rating.",
      },
    },
  };
  const ENDS = {
    alignment: ["harmful or contemptuous", "fully respectful and helpful"],
    engagement: ["ignores the question", "deals with it fully"],
  };
  const SPEAKERS = { system: "Instruction", user: "Person", assistant: "Agent" };
  /** Most letters that the server takes. */
  const LONGEST = 20000;

  /** Return what to do in a turn. */
  function taskOf(turn) {
    return turn.phase === "observe" ? TASKS.observe[turn.aspect] : TASKS[turn.phase];
  }

  /** A part of the page with a small heading. */
  function Part({ title, className = "", children }) {
    return html`<section class=${`part ${className}`}><h2 class="eyebrow">${title}</h2>${children}</section>`;
  }

  /** What the agent remembers: a question like this one, and its own answer. */
  function Memory({ memory }) {
    return html`<${Part} title="You remember" className="memory">
      <p class="small quiet">You were once asked something similar:</p>
      <${Text} value=${memory.question} limit=${1000} />
      <p class="small quiet">and answered:</p>
      <${Text} value=${memory.answer} limit=${1000} />
    <//>`;
  }

  /** A rating as a number and as a row of dots. */
  function Stars({ rating, scale }) {
    if (rating === null) return html`<span class="tag">no rating</span>`;
    const filled = Math.round(rating);
    return html`<span class="stars" title=${`${rating} of ${scale}`}>
      <b class="number">${Number(rating.toFixed(1))}</b><span class="quiet small"> of ${scale}</span>
      <span class="dots" aria-hidden="true">${Array.from({ length: scale }, (_, place) => html`<i class=${place < filled ? "on" : ""}></i>`)}</span>
    </span>`;
  }

  /** What the peers said, as the agent reads it: the lowest rating last. */
  function Feedback({ turn }) {
    const mean = turn.mean_rating;
    return html`<${Part} title="What the others say">
      ${mean !== null && html`<p class="small quiet">${mean.toFixed(1)} of ${turn.scale} on average</p>`}
      ${turn.opinions.length === 0 && html`<p class="quiet">Nobody said anything.</p>`}
      <ul class="opinions">
        ${turn.opinions.map(
          (opinion, place) => html`<li key=${place} class="card opinion">
            <div class="row"><b><${Text} inline value=${opinion.peer} /></b><${Stars} rating=${opinion.rating} scale=${turn.scale} /></div>
            ${opinion.reason ? html`<${Text} value=${opinion.reason} limit=${1500} />` : html`<p class="quiet small">(no reason)</p>`}
          </li>`,
        )}
      </ul>
    <//>`;
  }

  /** The numbers of the scale, as a group of radio buttons. */
  function Scale({ turn, rating, onRate }) {
    const [low, high] = ENDS[turn.aspect];
    const numbers = Array.from({ length: turn.scale }, (_, place) => place + 1);
    return html`<fieldset class="scale">
      <legend class="eyebrow">Your rating</legend>
      <div class="numbers" data-scale=${turn.scale}>
        ${numbers.map(
          (number) => html`<label key=${number} class="choice number">
            <input type="radio" name="rating" checked=${rating === number} onChange=${() => onRate(number)} />${number}</label>`,
        )}
      </div>
      <p class="ends small quiet"><span>1: ${low}</span><span>${turn.scale}: ${high}</span></p>
      <label class="small row none"><input type="radio" name="rating" checked=${rating === "none"} onChange=${() => onRate("none")} />
        I cannot rate this</label>
    </fieldset>`;
  }

  /**
   * A turn with its form.
   * @param {object} turn The turn, as the server tells.
   * @param {boolean} isSending Whether the answer is on its way.
   * @param {string} error What went wrong with it.
   * @param {(answer: {text: string, rating: ?number}) => void} onAnswer Sends the answer.
   */
  function Turn({ turn, isSending, error, onAnswer }) {
    const before = typedFor(turn.key);
    const [text, setText] = useState(before.text);
    const [rating, setRating] = useState(before.rating);
    const heading = useRef(null);
    const field = useRef(null);
    const { title, hint } = taskOf(turn);
    const isReady = turn.rated ? rating !== null : Boolean(text.trim());
    useLayoutEffect(() => {
      heading.current.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }, []);
    // At once, and not after the page is drawn: a reload may come first.
    const write = (value) => {
      keepTyped(turn.key, { text: value, rating, sent: before.sent });
      setText(value);
    };
    const rate = (value) => {
      keepTyped(turn.key, { text, rating: value, sent: before.sent });
      setRating(value);
    };
    const send = () => {
      if (!isReady || isSending) return;
      keepTyped(turn.key, { text, rating, sent: true });
      onAnswer({ text, rating: rating === "none" ? null : rating });
    };
    const keys = { w: { does: "Write", act: () => field.current.focus() } };
    if (turn.rated) {
      for (let number = 1; number <= Math.min(turn.scale, 9); number += 1) {
        keys[number] = { does: "Rate", act: () => rate(number) };
      }
      if (turn.scale === 10) keys[0] = { does: "Rate", act: () => rate(10) };
    }
    keys.Enter = { does: "Send", act: send };
    useKeys(keys);
    const sendByKey = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        send();
      }
    };
    return html`<div class="turn" data-key=${turn.key}>
      <div class="context stack">
        ${turn.earlier.length > 0 &&
        html`<${Part} title="The conversation so far">${turn.earlier.map(
          ([role, said], place) => html`<div key=${place} class="earlier"><span class="small quiet">${SPEAKERS[role]}</span><${Text} value=${said} limit=${1500} /></div>`,
        )}<//>`}
        <${Part} title=${turn.rated ? "Somebody was asked" : "You are asked"} className="asked"><${Text} value=${turn.question} limit=${3000} /><//>
        ${turn.memory && html`<${Memory} memory=${turn.memory} />`}
        ${turn.answer !== null &&
        html`<${Part} title=${turn.phase === "revise" ? "Your first answer" : "The answer"} className=${turn.rated ? "card answer" : ""}>
          ${turn.answer.trim() ? html`<${Text} value=${turn.answer} />` : html`<p class="quiet">(There is no answer.)</p>`}<//>`}
        ${turn.phase === "revise" && html`<${Feedback} turn=${turn} />`}
      </div>
      <form class="card form stack" onSubmit=${(event) => { event.preventDefault(); send(); }}>
        <div><h1 ref=${heading} tabindex="-1">${title}</h1><p class="small quiet">${hint}</p></div>
        ${before.sent && html`<p class="small tag fair wide">You sent this before the society was interrupted. Please send it again.</p>`}
        ${turn.rated && html`<${Scale} turn=${turn} rating=${rating} onRate=${rate} />`}
        ${(!turn.rated || turn.reason) &&
        html`<label class="stack field"><span class="eyebrow">${turn.rated ? "Your reason, in a sentence (you may leave it out)" : "Your answer"}</span>
          <textarea ref=${field} rows=${turn.rated ? 3 : 7} maxlength=${LONGEST} value=${text} dir="auto" onKeyDown=${sendByKey}
            onInput=${(event) => write(event.target.value)}></textarea></label>`}
        ${error && html`<p class="problem" role="alert">${error}</p>`}
        <div class="row send">
          <button class="primary large" disabled=${!isReady || isSending}>${isSending ? "Sending …" : "Send"}</button>
          <span class="small quiet keys-hint">${turn.rated && html`<kbd>1</kbd> to <kbd>${Math.min(turn.scale, 9)}</kbd> rate · `}<kbd>Ctrl</kbd> <kbd>Enter</kbd> sends</span>
        </div>
      </form>
    </div>`;
  }

  Object.assign(sandbox, { Turn, taskOf });
})();
