"use strict";

/**
 * Texts from models and people, shown as text: the one way in which such texts enter the page.
 *
 * Invisible characters get a visible sign, and stay in the document, so that a copied text is the
 * text as it was. Characters that turn the direction of writing act inside their own sign only.
 */
(() => {
  const { createContext, html, useContext, useState } = sandbox;

  /** Terms in lower case that all texts inside mark, see `Text`. */
  const Find = createContext([]);

  /** Number of letters that are shown before "show all". */
  const SHORT = 4000;
  /** Above this number of invisible characters, a text is shown with signs in their place. */
  const SIGNS_MOST = 5000;

  /** Number of marks on a text. */
  const MARKS_MOST = 2000;

  /** Names of the characters U+0000 to U+001F in ASCII; pictures of them are in few fonts. */
  const NAMES =
    "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");

  const INVISIBLE =
    /(?:[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs})+/gu;

  /**
   * Return the sign of an invisible character.
   * @param {string} letter One character.
   * @returns {string} The character's name such as `⟨ESC⟩`, or its number such as `⟨U+202E⟩`.
   */
  function sign(letter) {
    const code = letter.codePointAt(0);
    if (code < NAMES.length) return `⟨${NAMES[code]}⟩`;
    if (code === 0x7f) return "⟨DEL⟩";
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  }

  /** Return the signs of several invisible characters; a line that ends with `\r\n` needs none. */
  function signs(letters, next) {
    return [...letters]
      .map((letter, place, all) => (letter === "\r" && (all[place + 1] ?? next) === "\n" ? "" : sign(letter)))
      .join("");
  }

  /**
   * Return a text with signs in the place of its invisible characters, for titles and options.
   * @param {string} text Any text.
   */
  function visible(text) {
    return text.replace(INVISIBLE, (letters, place) => signs(letters, text[place + letters.length]));
  }

  /**
   * Divide a text into children of an element.
   * @param {string} text Any text.
   * @returns {Array} Strings and elements.
   */
  function children(text) {
    const found = [...text.matchAll(INVISIBLE)];
    if (found.length > SIGNS_MOST) return [visible(text)];
    const parts = [];
    let end = 0;
    for (const match of found) {
      parts.push(text.slice(end, match.index));
      end = match.index + match[0].length;
      parts.push(html`<bdi class="sign" data-sign=${signs(match[0], text[end])}>${match[0]}</bdi>`);
    }
    parts.push(text.slice(end));
    return parts;
  }

  /** Return the size of a text for people to read, such as `1.0 MB`. */
  function size(text) {
    const bytes = new Blob([text]).size;
    if (bytes < 1000) return `${bytes} B`;
    return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  }

  /** Shorten a text to a number of letters, without dividing a character. */
  function shortened(text, letters) {
    if (text.length <= letters) return text;
    const end = /[\ud800-\udbff]/.test(text[letters - 1]) ? letters - 1 : letters;
    return text.slice(0, end);
  }

  /**
   * Show a text on one line or as a block.
   * @param {string} value The text; what is no string is written as JSON.
   * @param {boolean} inline On the line of what is around, else a block that keeps its lines.
   * @param {number} limit Number of letters that are shown at first.
   * @param {string[]} find Terms that are marked, beside those of `Find`.
   */
  function Text({ value, inline = false, limit = SHORT, find = [] }) {
    const terms = [...find, ...useContext(Find)];
    const [whole, setWhole] = useState(false);
    const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
    const shown = whole ? text : shortened(text, limit);
    const content = terms.length ? marked(shown, terms) : children(shown);
    if (inline) return html`<bdi class="inline-text">${content}${shown.length < text.length && "…"}</bdi>`;
    if (!text) return html`<p class="quiet">(an empty text)</p>`;
    return html`<div class="text" dir="auto">${content}</div>
      ${shown.length < text.length &&
      html`<button class="more" onClick=${() => setWhole(true)}>show all (${size(text)})</button>`}`;
  }

  /** Divide a text into children, with the terms marked that somebody searched for. */
  function marked(text, terms) {
    const words = terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const parts = [];
    let end = 0;
    for (const match of text.matchAll(new RegExp(words.join("|"), "giu"))) {
      parts.push(children(text.slice(end, match.index)), html`<mark>${children(match[0])}</mark>`);
      end = match.index + match[0].length;
      if (parts.length > 2 * MARKS_MOST) break;
    }
    parts.push(children(text.slice(end)));
    return parts;
  }

  Object.assign(sandbox, { Find, Text, textChildren: children, visible, textSize: size });
})();
