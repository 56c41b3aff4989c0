"use strict";

/**
 * What a person has typed, kept in the browser until the answer is recorded: it survives a reload,
 * and a simulation that was stopped and asks the same again.
 */
(() => {
  const PREFIX = "social-sandbox turn ";
  /** Number of turns whose texts are kept. */
  const MOST = 20;

  /** All kept texts, the latest last; a browser may refuse to keep anything. */
  function all() {
    try {
      return JSON.parse(localStorage.getItem(PREFIX) ?? "[]");
    } catch {
      return [];
    }
  }

  /**
   * Return what was typed for a turn.
   * @param {string} key The turn's key.
   * @returns {{text: string, rating: ?number, sent: boolean}}
   */
  function typed(key) {
    const found = all().find((each) => each.key === key);
    return { text: "", rating: null, sent: false, ...found };
  }

  /** Keep what was typed for a turn. */
  function keep(key, values) {
    const others = all().filter((each) => each.key !== key);
    try {
      localStorage.setItem(PREFIX, JSON.stringify([...others, { key, ...values }].slice(-MOST)));
    } catch {
      // Then a reload empties the form.
    }
  }

  Object.assign(sandbox, { keepTyped: keep, typedFor: typed });
})();
