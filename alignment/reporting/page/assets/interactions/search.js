"use strict";

/**
 * Search over everything: the columns of the table at once, then the full texts chunk by chunk.
 *
 * Texts that were read stay in memory up to a limit, so that the next search need not load them.
 */
(() => {
  const { useEffect, useMemo, useReducer } = sandbox;
  const { filteredRows, policyOf, sortedRows } = sandbox.interactions;

  /** Chunks that are loaded at the same time. */
  const AT_ONCE = 6;
  /** Letters of full texts that stay in memory. */
  const LETTERS_MOST = 150e6;
  const SHOW_MS = 400;
  const BEFORE = 40;
  const EXTRACT = 160;

  /** Full texts of a run: `{name, letters, chunks: [string[]]}`. */
  let kept = { name: "" };
  /** The search that runs or ran last; a view that comes back finds its results. */
  let latest = null;

  /**
   * Divide what somebody searches for into terms; all have to occur.
   * @param {string} text Words, and phrases in double quotes.
   * @returns {string[]} Terms in lower case.
   */
  function termsOf(text) {
    return [...text.toLowerCase().matchAll(/"([^"]+)"|([^\s"]+)/g)].map((match) => match[1] ?? match[2]);
  }

  const hasAll = (text, terms) => terms.every((term) => text.includes(term));

  /** Return the texts of an interaction, one after the other. */
  function textsOf({ interaction: one }) {
    const given = [...(one.feedback ?? []), ...(one.observations ?? [])];
    return [
      one.id,
      one.question,
      one.kind,
      one.view,
      one.draft?.text,
      one.revision?.text,
      one.draft?.error,
      one.revision?.error,
      one.draft?.policy,
      one.memory?.question,
      one.memory?.answer,
      ...given.flatMap((each) => [each.reason, each.error, each.peer]),
    ]
      .filter(Boolean)
      .join("\n");
  }

  /** Return the part of a text around a term. */
  function extractOf(text, term) {
    const place = Math.max(0, text.toLowerCase().indexOf(term) - BEFORE);
    return (place ? "… " : "") + text.slice(place, place + EXTRACT).replace(/\s+/g, " ");
  }

  /** Find rows by what the table holds of them. */
  function rowsByTable(table, run, rows, terms) {
    const questions = table.names.question.map((text) => text.toLowerCase());
    const others = ["kind", "view", "world", "agent"];
    const names = Object.fromEntries(others.map((name) => [name, table.names[name].map((text) => text.toLowerCase())]));
    return rows.filter((row) => {
      const parts = others.map((name) => names[name][table[name][row]]);
      const text = [questions[table.question[row]], table.extract[row].toLowerCase(), table.id[row].toLowerCase(),
        policyOf(run, table, row).toLowerCase(), ...parts].join("\n");
      return hasAll(text, terms);
    });
  }

  /** Return the full texts of a chunk, from memory if they are there. */
  async function textsOfChunk(run, chunk) {
    const name = `${run.key} ${sandbox.index.stamp}`;
    if (kept.name !== name) kept = { name, letters: 0, chunks: [] };
    const store = kept;
    if (store.chunks[chunk]) return store.chunks[chunk];
    const records = await sandbox.load(sandbox.chunkPath(run.key, "interactions", chunk));
    const texts = records.map(textsOf);
    const letters = texts.reduce((sum, text) => sum + text.length, 0);
    if (store.letters + letters < LETTERS_MOST) {
      store.letters += letters;
      store.chunks[chunk] = texts;
    }
    return texts;
  }

  /**
   * Search the full texts of rows.
   * @param {Map<number, string> | undefined} before What the same search found in earlier data of a
   *     run that goes on; shown until its chunks are searched again.
   * @returns {Object} `found` (row -> extract), `done` and `of` chunks, `problem`, `cancel()`.
   */
  function startSearch(name, run, rows, terms, show, before) {
    const wanted = new Map();
    for (const row of rows) {
      const chunk = Math.floor(row / sandbox.CHUNK);
      if (!wanted.has(chunk)) wanted.set(chunk, []);
      wanted.get(chunk).push(row);
    }
    const search = { name, found: new Map(before), version: 0, done: 0, of: wanted.size, ended: false, problem: "", show };
    search.cancel = () => {
      search.ended = true;
      search.show();
    };
    const chunks = wanted.entries();
    let shown = 0;
    const work = async () => {
      for (const [chunk, its] of chunks) {
        if (search.ended) return;
        try {
          const texts = await textsOfChunk(run, chunk);
          for (const row of its) {
            const text = texts[row % sandbox.CHUNK] ?? "";
            if (hasAll(text.toLowerCase(), terms)) search.found.set(row, extractOf(text, terms[0]));
            else search.found.delete(row);
          }
        } catch (error) {
          search.problem = error.message;
        }
        search.done += 1;
        if (performance.now() - shown > SHOW_MS) {
          shown = performance.now();
          search.version += 1;
          search.show();
          await new Promise((resolve) => setTimeout(resolve));
        }
      }
    };
    Promise.all(Array.from({ length: AT_ONCE }, work)).then(() => {
      search.ended = true;
      search.version += 1;
      search.show();
    });
    return search;
  }

  /**
   * Return the interactions that a query of the address selects, while a search goes on.
   * @param {Object} run The run.
   * @param {Object | undefined} table Its table, once loaded.
   * @param {Object<string, string>} query Filters, `search` and `sort`.
   * @returns {{rows: number[], terms: string[], search: ?Object}} Rows in order; the search, if any.
   */
  function useSelection(run, table, query) {
    const [, show] = useReducer((count) => count + 1, 0);
    const { sort = "", search: text = "", ...filters } = query;
    const filterName = JSON.stringify(filters);
    const terms = useMemo(() => termsOf(text), [text]);
    const filtered = useMemo(() => (table ? filteredRows(table, run, filters) : []), [table, run, filterName]);
    const asked = [run.key, filterName, JSON.stringify(terms)].join("\n");
    const name = `${asked}\n${sandbox.index.stamp}`;
    const wanted = Boolean(table) && terms.length > 0;
    useEffect(() => {
      if (!wanted) return undefined;
      if (latest?.name !== name) {
        latest?.cancel();
        const before = latest?.asked === asked ? latest.found : undefined;
        latest = startSearch(name, run, filtered, terms, show, before);
        latest.asked = asked;
        show();
      } else {
        latest.show = show;
      }
      return undefined;
    }, [name, wanted]);
    const search = wanted && latest?.name === name ? latest : null;
    const version = search?.version ?? -1;
    const known = useMemo(() => (wanted ? new Set(rowsByTable(table, run, filtered, terms)) : null), [filtered, terms, wanted]);
    const rows = useMemo(
      () => (known ? filtered.filter((row) => known.has(row) || search?.found.has(row)) : filtered),
      [filtered, known, name, version],
    );
    const ordered = useMemo(() => (table ? sortedRows(table, rows, sort) : []), [rows, sort]);
    return { rows: ordered, terms, search };
  }

  Object.assign(sandbox, { termsOf, useSelection });
})();
