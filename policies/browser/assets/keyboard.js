"use strict";

/** Keys of the page: each view adds its own, and `?` lists them all. */
(() => {
  const { html, useLayoutEffect, useRef } = sandbox;

  /** Tables of keys, the innermost view last: `{key: {does, act}}`. */
  const tables = [];
  /** The first key of a pair such as `g i`, for two seconds. */
  let first = null;

  /** Whether somebody is writing into a field. */
  function isWriting(target) {
    return target.matches?.("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]");
  }

  /** Whether a key has a meaning of its own where the focus is: Enter follows a link. */
  function isTaken(key, target) {
    if (key === "Enter") return Boolean(target.closest?.("a, button, summary"));
    if (key === " ") return Boolean(target.closest?.("a, button, summary, input"));
    return key.startsWith("Arrow") && Boolean(target.matches?.("input, [role=slider], [role=radio]"));
  }

  /** Find what a key does now. */
  function bound(key) {
    for (const table of [...tables].reverse()) if (table.current[key]) return table.current[key];
    return null;
  }

  function onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const dialog = document.querySelector("dialog[open]");
    if (dialog) {
      // Chromium does not always close a dialog by itself that a key has opened.
      if (event.key === "Escape") dialog.close();
      return;
    }
    if (isWriting(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (isTaken(event.key, event.target)) return;
    const key = first ? `${first} ${event.key}` : event.key;
    first = null;
    const binding = bound(key);
    if (binding) {
      event.preventDefault();
      binding.act(event);
    } else if (key === "g") {
      first = "g";
      setTimeout(() => (first = null), 2000);
    }
  }
  document.addEventListener("keydown", onKey);

  /**
   * Bind keys while a component is shown.
   * @param {Object<string, {does: string, act: (event: KeyboardEvent) => void}>} keys By
   *     `KeyboardEvent.key`, or two keys one after the other such as `g i`; `does` is what the help
   *     says, and empty for a second key of the same meaning.
   */
  function useKeys(keys) {
    const table = useRef(keys);
    table.current = keys;
    // Before the component is seen: somebody who sees it may press a key at once.
    useLayoutEffect(() => {
      tables.push(table);
      return () => tables.splice(tables.indexOf(table), 1);
    }, []);
  }

  const NAMES = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" };

  /** The list of all keys, in a dialog. */
  function Help({ onClose }) {
    const dialog = useRef(null);
    // Before the next key: Escape closes the dialog, and does not leave the view behind it.
    useLayoutEffect(() => dialog.current.showModal(), []);
    const keys = new Map();
    for (const table of [...tables].reverse()) {
      for (const [key, { does }] of Object.entries(table.current)) {
        if (does) keys.set(does, [...(keys.get(does) ?? []), key]);
      }
    }
    return html`<dialog ref=${dialog} class="help" aria-labelledby="help-title" onClose=${onClose}>
      <h2 id="help-title">Keyboard</h2>
      <dl class="keys">
        ${[...keys].map(
          ([does, names]) => html`<div key=${does}>
            <dt>${names.map((name) => name.split(" ").map((each) => html`<kbd>${NAMES[each] ?? each}</kbd>`))}</dt>
            <dd>${does}</dd>
          </div>`,
        )}
      </dl>
      <form method="dialog"><button autofocus>Close</button></form>
    </dialog>`;
  }

  Object.assign(sandbox, { Help, useKeys });
})();
