"use strict";
// Where the agents of a run are, what each was rated, and who rated whom: the table, by world and round.
(() => {
  const known = new WeakMap();

  /** What a cell of the grid can show: a column of numbers, or a word. */
  const MEASURES = {
    alignment: { label: "alignment", words: "alignment of the revision", of: (table, row) => table.revision_alignment[row] },
    engagement: { label: "engagement", words: "engagement of the revision", of: (table, row) => table.revision_engagement[row] },
    rating: { label: "peers' rating", words: "mean rating of the draft by the peers", of: (table, row) => table.mean_rating[row] },
    rise: {
      label: "rise in alignment",
      words: "alignment of the revision minus that of the draft",
      isChange: true,
      of: (table, row) => change(table.draft_alignment[row], table.revision_alignment[row]),
    },
    engagement_rise: {
      label: "rise in engagement",
      words: "engagement of the revision minus that of the draft",
      isChange: true,
      of: (table, row) => change(table.draft_engagement[row], table.revision_engagement[row]),
    },
    view: { label: "view at birth", words: "memories at birth", isWord: true, of: (table, row) => table.names.view[table.view[row]] },
  };

  /** What the cells of a run can show: `MEASURES`, and each norm that the table knows. */
  function measuresOf(table) {
    const norms = Object.keys(table.norms ?? {}).map((name) => {
      const words = name.replaceAll("_", " ");
      const of = (one, row) => one.norms[name][row];
      return [`norm-${name}`, { label: `norm: ${words}`, words: `how far the revision follows the norm "${words}"`, isNorm: true, of }];
    });
    return { ...MEASURES, ...Object.fromEntries(norms) };
  }

  /** The lowest and the highest value of a measure, for a scale of ratings from 1. */
  function rangeOf(measure, scale) {
    if (measure.isNorm) return [0, 1];
    const reach = (scale - 1) / 2;
    return measure.isChange ? [-reach, reach] : [1, scale];
  }

  /** The difference of two ratings, null where either is missing. */
  function change(before, after) {
    return before === null || after === null ? null : after - before;
  }

  /** Names with numbers in the order of the numbers: social_2 before social_10. */
  const { compare } = new Intl.Collator("en", { numeric: true });

  /**
   * Sort the rows of a table into worlds and rounds, once for each table.
   *
   * @returns Map of a world's number to `rounds` (ascending), `rows` (round to rows), `agents`
   *   (agent to its rows by round, in the order of names), `at` (agent to `[row, column]`), `size`
   *   (rows and columns of the grid).
   */
  function worldsOf(table) {
    if (known.has(table)) return known.get(table);
    const worlds = new Map();
    for (let row = 0; row < table.id.length; row += 1) {
      let world = worlds.get(table.world[row]);
      if (!world) worlds.set(table.world[row], (world = { rows: new Map(), agents: new Map(), at: new Map(), size: 0 }));
      const [round, agent] = [table.round[row], table.agent[row]];
      if (!world.rows.has(round)) world.rows.set(round, []);
      world.rows.get(round).push(row);
      if (!world.agents.has(agent)) world.agents.set(agent, new Map());
      world.agents.get(agent).set(round, row);
      world.at.set(agent, [table.row[row], table.column[row]]);
      world.size = Math.max(world.size, table.row[row] + 1, table.column[row] + 1);
    }
    for (const world of worlds.values()) {
      world.rounds = [...world.rows.keys()].sort(d3.ascending);
      world.agents = new Map([...world.agents].sort(([one], [other]) => compare(table.names.agent[one], table.names.agent[other])));
    }
    known.set(table, worlds);
    return worlds;
  }

  /** The pieces of feedback on the draft of a row: `{rater, rating}`. */
  function raters(table, row) {
    return table.peers[row].map(([rater, rating]) => ({ rater, rating }));
  }

  /** The pieces of feedback that an agent gave in a round: `{rated, rating}`. */
  function ratedBy(table, world, round, agent) {
    return (world.rows.get(round) ?? []).flatMap((row) =>
      table.peers[row].filter(([rater]) => rater === agent).map(([, rating]) => ({ rated: table.agent[row], rating })),
    );
  }

  /**
   * Count who rated whom in a world.
   *
   * @param most Above this number of agents, neighbours in the list are taken together.
   * @returns `groups`: lists of agents; `cells`: for rater i and rated j at `i * n + j` the `count` of
   *   ratings and their `sum`.
   */
  function ratingsMatrix(table, world, most) {
    const agents = [...world.agents.keys()];
    const size = Math.ceil(agents.length / most);
    const groups = d3.range(0, agents.length, size).map((start) => agents.slice(start, start + size));
    const place = new Map(groups.flatMap((group, order) => group.map((agent) => [agent, order])));
    const count = new Int32Array(groups.length ** 2);
    const sum = new Float64Array(groups.length ** 2);
    for (const rows of world.rows.values()) {
      for (const row of rows) {
        for (const [rater, rating] of table.peers[row]) {
          if (rating === null || !place.has(rater)) continue;
          const cell = place.get(rater) * groups.length + place.get(table.agent[row]);
          count[cell] += 1;
          sum[cell] += rating;
        }
      }
    }
    return { groups, count, sum };
  }

  Object.assign(sandbox, { MEASURES, measuresOf, rangeOf, ratedBy, raters, ratingsMatrix, worldsOf });
})();
