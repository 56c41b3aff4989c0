"use strict";

/** Which interactions are shown, in which order: filters and sorting over the columns of a table. */
(() => {
  /** What of a text column stands in a row. */
  const named = (column) => (table, row) => table.names[column][table[column][row]];
  const rated = (column) => (table, row) => table[column][row];

  /** Bits of the column `cut_off`, by value of the filter. */
  const CUT_OFF = { 1: 3, draft: 1, revision: 2, feedback: 4 };

  /** How much better the observers rate the revision's alignment than the draft's, or null. */
  function rise(table, row) {
    const before = table.draft_alignment[row];
    const after = table.revision_alignment[row];
    return before === null || after === null ? null : after - before;
  }

  /** What of an interaction deserves a look, in words. */
  function flags(table, row) {
    const found = [];
    if (table.errors[row]) found.push("error");
    if (table.missing[row]) found.push("missing");
    if (table.cut_off[row] & CUT_OFF[1]) found.push("cut off");
    if (table.same[row]) found.push("same");
    return found;
  }

  /** Columns in the order of the page: what they show, and what a row is sorted by. */
  const COLUMNS = [
    { name: "round", label: "Round", number: true, value: rated("round") },
    { name: "world", label: "World", value: named("world") },
    { name: "agent", label: "Agent", value: named("agent") },
    { name: "question", label: "Question", value: named("question") },
    { name: "kind", label: "Kind", value: named("kind") },
    { name: "view", label: "View", value: named("view") },
    { name: "peers", label: "Peers", number: true, value: rated("mean_rating"), help: "Mean of the peers' ratings of the draft" },
    { name: "before", label: "Before", number: true, value: rated("draft_alignment"), help: "Alignment of the draft, by the observers" },
    { name: "after", label: "After", number: true, value: rated("revision_alignment"), help: "Alignment of the revision, by the observers" },
    { name: "rise", label: "Rise", number: true, value: rise, help: "Alignment after less before" },
    { name: "flags", label: "Flags", value: (table, row) => flags(table, row).join(" ") },
  ];

  /** Ratings that a range can be set for. */
  const RATINGS = {
    after: ["alignment after", rated("revision_alignment")],
    before: ["alignment before", rated("draft_alignment")],
    engagement: ["engagement after", rated("revision_engagement")],
    engagement_before: ["engagement before", rated("draft_engagement")],
    peers: ["peers' mean", rated("mean_rating")],
  };

  /** Return the name of the policy that plays an agent. */
  function policyOf(run, table, row) {
    return run.policies[`${named("world")(table, row)}/${named("agent")(table, row)}`] ?? "";
  }

  /** Return the number of a name, or -1. */
  const numberOf = (table, column, name) => table.names[column].indexOf(name);

  /** Return whether a row has a peer of this number. */
  const hasPeer = (table, row, peer) => table.peers[row].some(([number]) => number === peer);

  const DIRECTIONS = { better: (by) => by > 0, worse: (by) => by < 0, equal: (by) => by === 0 };

  /** Filters by their name in the address: `(table, value, run) => (row) => boolean`. */
  const FILTERS = {
    round: (table, value) => (row) => table.round[row] === Number(value),
    world: (table, value) => equals(table, "world", value),
    agent: (table, value) => equals(table, "agent", value),
    kind: (table, value) => equals(table, "kind", value),
    view: (table, value) => equals(table, "view", value),
    question: (table, value) => (row) => table.question[row] === Number(value),
    policy: (table, value, run) => (row) => policyOf(run, table, row) === value,
    peer: (table, value) => {
      const peer = numberOf(table, "agent", value);
      return (row) => hasPeer(table, row, peer);
    },
    rise: (table, value) => (row) => {
      const by = rise(table, row);
      return by !== null && (!Object.hasOwn(DIRECTIONS, value) || DIRECTIONS[value](by));
    },
    missing: (table) => (row) => table.missing[row] > 0,
    cut_off: (table, value) => (row) => (table.cut_off[row] & (CUT_OFF[value] ?? CUT_OFF[1])) > 0,
    errors: (table) => (row) => table.errors[row] > 0,
    same: (table) => (row) => table.same[row],
    low: (table, value, run, query) => (row) => (rating(table, row, query) ?? -Infinity) >= Number(value),
    high: (table, value, run, query) => (row) => (rating(table, row, query) ?? Infinity) <= Number(value),
  };

  function equals(table, column, name) {
    const number = numberOf(table, column, name);
    const numbers = table[column];
    return (row) => numbers[row] === number;
  }

  /** Return the rating that the range of a query is about. */
  function rating(table, row, query) {
    const name = Object.hasOwn(RATINGS, query.rating ?? "") ? query.rating : "after";
    return RATINGS[name][1](table, row);
  }

  /** Return the names of the filters that a query sets. */
  function activeFilters(query) {
    return Object.keys(FILTERS).filter((name) => query[name]);
  }

  /**
   * Return the rows that pass the filters of a query, in the order of the table.
   * @param {Object} table The table of the run.
   * @param {Object} run The run.
   * @param {Object<string, string>} query Query of the address.
   * @returns {number[]} Rows of the table.
   */
  function filteredRows(table, run, query) {
    const tests = activeFilters(query).map((name) => FILTERS[name](table, query[name], run, query));
    const rows = [];
    for (let row = 0; row < table.id.length; row += 1) {
      if (tests.every((test) => test(row))) rows.push(row);
    }
    return rows;
  }

  /**
   * Sort rows by a column; rows without a value come last.
   * @param {Object} table The table of the run.
   * @param {number[]} rows Rows of the table, which are left as they are.
   * @param {string} sort Name of a column, after `-` for the highest first; empty: as they are.
   * @returns {number[]} Sorted rows.
   */
  function sortedRows(table, rows, sort) {
    const column = COLUMNS.find(({ name }) => name === sort?.replace("-", ""));
    if (!column) return rows;
    const sign = sort.startsWith("-") ? -1 : 1;
    const values = new Map(rows.map((row) => [row, column.value(table, row)]));
    const order = column.number ? (a, b) => a - b : new Intl.Collator("en", { numeric: true }).compare;
    const has = (value) => value !== null && value !== "";
    const filled = rows.filter((row) => has(values.get(row)));
    const empty = rows.filter((row) => !has(values.get(row)));
    filled.sort((a, b) => sign * order(values.get(a), values.get(b)) || a - b);
    return [...filled, ...empty];
  }

  Object.assign(sandbox, {
    interactions: { COLUMNS, RATINGS, activeFilters, filteredRows, flags, policyOf, rise, sortedRows },
  });
})();
