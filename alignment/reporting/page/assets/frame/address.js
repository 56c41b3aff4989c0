"use strict";

/**
 * Addresses of the page: `#/RUN/VIEW/PATH...?QUERY`, such as
 * `#/demo/interactions?round=2&sort=-rise` or `#/demo/interaction/world_0/2/social_14`.
 */
(() => {
  const { useLayoutEffect, useState } = sandbox;

  /** Views that belong to no single run; their addresses have no RUN. */
  const OF_ALL_RUNS = new Set(["compare"]);

  /** Undo `encodeURIComponent`; a broken text stays as it is. */
  function plain(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }

  /**
   * Read an address.
   * @param {string} hash `location.hash`.
   * @returns {{run: string, view: string, path: string[], query: Object<string, string>}} The
   *     route; `run` is empty where the address names none.
   */
  function routeOf(hash) {
    const [place, query = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
    const parts = place.split("/").filter(Boolean).map(plain);
    const values = Object.fromEntries(new URLSearchParams(query));
    if (parts.length === 1 && OF_ALL_RUNS.has(parts[0])) {
      return { run: "", view: parts[0], path: [], query: values };
    }
    const [run = "", view = "run", ...path] = parts;
    return { run, view, path, query: values };
  }

  /** Return the route that is shown. */
  function shownRoute() {
    const route = routeOf(location.hash);
    return route.run || OF_ALL_RUNS.has(route.view)
      ? route
      : { ...route, run: sandbox.index?.runs[0]?.key ?? "" };
  }

  /**
   * Return the address of a route.
   * @param {{run?: string, view?: string, path?: (string|number)[], query?: Object}} route `run` is
   *     the shown run unless given. Empty, null and false values of the query are left out.
   * @returns {string} The address, to be used as `href`.
   */
  function link({ run, view = "run", path = [], query = {} }) {
    const given = Object.entries(query).filter(
      ([, value]) => value !== "" && value !== null && value !== undefined && value !== false,
    );
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    const key = run ?? shownRoute().run ?? "";
    const parts = OF_ALL_RUNS.has(view) ? [view] : [key || sandbox.index?.runs[0]?.key, view, ...path];
    return `#/${parts.map(encodeURIComponent).join("/")}${text && `?${text}`}`;
  }

  /**
   * Show a route.
   * @param {Object} route See `link`.
   * @param {{replace?: boolean}} options `replace` leaves no step in the history.
   */
  function go(route, { replace = false } = {}) {
    const address = link(route);
    if (address === location.hash) return;
    if (replace) {
      history.replaceState(null, "", address);
      window.dispatchEvent(new HashChangeEvent("hashchange"));
    } else {
      location.hash = address;
    }
  }

  /** Return the shown route, and show a component again when the address changes. */
  function useRoute() {
    const [, setHash] = useState(location.hash);
    useLayoutEffect(() => {
      const change = () => setHash(location.hash);
      window.addEventListener("hashchange", change);
      return () => window.removeEventListener("hashchange", change);
    }, []);
    return shownRoute();
  }

  Object.assign(sandbox, { go, link, routeOf, useRoute });
})();
