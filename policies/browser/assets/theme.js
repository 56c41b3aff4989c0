"use strict";

/** Light and dark colours: those of the system, or those that somebody has chosen. */
(() => {
  const { html, useEffect, useState } = sandbox;

  const THEMES = ["auto", "light", "dark"];
  const STORED = "social-sandbox theme";

  /** Read the theme; a page that is opened from disk may have no storage. */
  function storedTheme() {
    try {
      const theme = localStorage.getItem(STORED);
      return THEMES.includes(theme) ? theme : "auto";
    } catch {
      return "auto";
    }
  }

  /** Keep the theme for the next visit. */
  function storeTheme(theme) {
    try {
      localStorage.setItem(STORED, theme);
    } catch {
      // The choice then lasts as long as the page is open.
    }
  }

  /** A button that goes through the themes. */
  function ThemeButton() {
    const [theme, setTheme] = useState(storedTheme);
    useEffect(() => {
      document.documentElement.dataset.theme = theme;
      storeTheme(theme);
      window.dispatchEvent(new Event("themechange"));
    }, [theme]);
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    return html`<button class="plain" title=${`Colours: ${theme}. Change to ${next}.`} onClick=${() => setTheme(next)}>
      <span aria-hidden="true">${{ auto: "◐", light: "○", dark: "●" }[theme]}</span>
      <span class="unseen">Colours: ${theme}. Change to ${next}.</span>
    </button>`;
  }

  document.documentElement.dataset.theme = storedTheme();
  Object.assign(sandbox, { ThemeButton });
})();
