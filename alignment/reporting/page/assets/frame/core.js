"use strict";

/**
 * What all parts of the page share: the global `sandbox`, and the data that is loaded on demand.
 *
 * A view is a file that sets `sandbox.views.NAME = {title, component}`; the component gets
 * `{run, runs, route}`. Every file is a classic script, because a page that is opened from disk may
 * load no modules and fetch nothing.
 */
(() => {
  const { h, html, render, useEffect, useState } = window.htmPreact;

  /** Number of decoded chunks that stay in memory, beside each run's own record and table. */
  const CHUNKS_KEPT = 60;

  const TOO_OLD = new Error("This browser is too old to read the data of the page: it has no DecompressionStream.");

  /** Path -> `{resolve, reject}` of files that are being loaded. */
  const awaited = new Map();
  /** Path -> promise of the decoded file, the least recently used one first. */
  const files = new Map();
  const listeners = new Set();

  /**
   * Decode what a file of the page carries.
   * @param {string} text Gzipped JSON in base64.
   * @returns {Promise<any>} The value.
   */
  async function decoded(text) {
    const bytes = Uint8Array.fromBase64
      ? Uint8Array.fromBase64(text)
      : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  /**
   * Take the content of a file; every file below `data/` calls this function.
   * @param {string} path The file's path below `data/` without `.js`.
   * @param {string} text Gzipped JSON in base64.
   */
  function receive(path, text) {
    const waiting = awaited.get(path);
    if (!waiting) return;
    awaited.delete(path);
    const damaged = new Error(`data/${path}.js is damaged. Write the page again.`);
    decoded(text).then(waiting.resolve, () => waiting.reject(window.DecompressionStream ? damaged : TOO_OLD));
  }

  /**
   * Insert a file of the page as a script.
   * @param {string} path Path below `data/` without `.js`.
   * @param {string} version What makes the browser ask for the file anew when it has changed.
   * @returns {Promise<any>} The decoded content.
   */
  function inserted(path, version) {
    return new Promise((resolve, reject) => {
      awaited.set(path, { resolve, reject });
      const script = document.createElement("script");
      const name = path.split("/").map(encodeURIComponent).join("/");
      script.src = `data/${name}.js?${encodeURIComponent(version)}`;
      const fail = (problem) => {
        if (awaited.get(path)?.resolve !== resolve) return;
        awaited.delete(path);
        reject(new Error(`data/${path}.js ${problem}. Write the page again.`));
      };
      script.onload = () => {
        script.remove();
        fail("is damaged");
      };
      script.onerror = () => {
        script.remove();
        fail("is missing");
      };
      document.head.append(script);
    });
  }

  /** Whether a file stays in memory whatever else is loaded. */
  function isKept(path) {
    return path.endsWith("/run") || path.endsWith("/table");
  }

  /**
   * Load a file of the page, once.
   * @param {string} path Path below `data/` without `.js`, such as `demo/interactions/00007`.
   * @returns {Promise<any>} The records; rejected with a sentence for people to read.
   */
  function load(path) {
    const known = files.get(path);
    if (known) {
      files.delete(path);
      files.set(path, known);
      return known;
    }
    const promise = inserted(path, sandbox.index?.stamp ?? "");
    files.set(path, promise);
    promise.catch(() => files.get(path) === promise && files.delete(path));
    const chunks = [...files.keys()].filter((each) => !isKept(each));
    chunks.slice(0, Math.max(0, chunks.length - CHUNKS_KEPT)).forEach((each) => files.delete(each));
    return promise;
  }

  /** Number of records in a file of interactions, groups or answers; `CHUNK` in records.py. */
  const CHUNK = 100;

  /**
   * Load one record of many.
   * @param {string} run Key of the run.
   * @param {"interactions" | "groups" | "answers"} kind Which records.
   * @param {number} number Number of the record.
   * @returns {Promise<any>} The record; rejected with a sentence when there is none.
   */
  async function loadRecord(run, kind, number) {
    const isNumber = Number.isInteger(number) && number >= 0;
    const records = isNumber ? await load(chunkPath(run, kind, Math.floor(number / CHUNK))) : [];
    const record = records[number % CHUNK];
    if (!record) throw new Error(`There is no such number among the run's ${kind}.`);
    return record;
  }

  /** Return the path of a chunk: `demo/interactions/00007`. */
  function chunkPath(run, kind, chunk) {
    return `${run}/${kind}/${String(chunk).padStart(5, "0")}`;
  }

  /**
   * Load something while a component is shown; what was there stays until its successor has come.
   * @param {string} name What is loaded; another name starts anew.
   * @param {() => Promise<any>} start Starts to load.
   * @returns {{value?: any, error?: Error}} Empty while nothing has come yet.
   */
  function useResult(name, start) {
    const [state, setState] = useState({ name: null });
    useEffect(() => {
      let current = true;
      start().then(
        (value) => current && setState({ name, value }),
        // While a process writes the page anew, what was read before goes on being shown.
        (error) => current && setState((shown) => (shown.name === name && shown.value !== undefined ? shown : { name, error })),
      );
      return () => {
        current = false;
      };
    }, [name, sandbox.index?.stamp]);
    return state.name === name ? state : {};
  }

  /** Load a file while a component is shown, see `load` and `useResult`; no file for an empty path. */
  function useLoaded(path) {
    return useResult(path, () => (path ? load(path) : Promise.resolve(undefined)));
  }

  /** Load a record while a component is shown, see `loadRecord` and `useResult`. */
  function useRecord(run, kind, number) {
    return useResult(`${run}/${kind}/${number}`, () => loadRecord(run, kind, number));
  }

  /** Read `data/index.js` again; tell the listeners when something has changed. */
  async function readIndex() {
    const index = await inserted("index", String(Date.now()));
    if (index.stamp === sandbox.index?.stamp) return;
    files.clear();
    sandbox.index = index;
    listeners.forEach((listener) => listener());
  }

  /** Call a function whenever the data has changed; returns a function that ends this. */
  function onChange(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Show in words what could not be loaded, or that something is being loaded. */
  function Waiting({ error }) {
    if (error) return html`<p class="notice problem" role="alert">${error.message}</p>`;
    return html`<p class="notice" role="status">Reading …</p>`;
  }

  window.receive = receive;
  window.sandbox = {
    ...window.htmPreact,
    CHUNK,
    Waiting,
    chunkPath,
    h,
    html,
    index: null,
    load,
    loadRecord,
    onChange,
    readIndex,
    render,
    useLoaded,
    useRecord,
    useResult,
    views: Object.create(null),
  };
})();
