"use strict";
// Which answers there are, which became better or worse, and which of them somebody wants to see.
(() => {
  const SOURCES = { held_out: "held-out questions" };
  /** Below this difference two scores count as the same. */
  const SAME = 0.05;

  /** Scores that say more than others come first. */
  const SCORES = ["combined", "alignment", "engagement", "accuracy"];

  /** The name of a source for people. */
  const sourceName = (source) => SOURCES[source] ?? source;

  /** All names of scores in the table, the most telling first. */
  function scoreNames(table) {
    const names = [...new Set(Object.values(table.scores).flatMap((scores) => Object.keys(scores)))];
    return d3.sort(names, (name) => (SCORES.includes(name) ? SCORES.indexOf(name) : SCORES.length));
  }

  /**
   * How an answer changed between two models.
   *
   * @param score Name of a score, or `any`: the first score that the answer has.
   * @returns `{score, before, after, difference}`, null values where there is no score.
   */
  function changeOf(table, row, base, model, score, names) {
    const name = score === "any" ? names.find((one) => table.scores[model]?.[one]?.[row] != null) : score;
    const before = table.scores[base]?.[name]?.[row] ?? null;
    const after = table.scores[model]?.[name]?.[row] ?? null;
    return { score: name ?? null, before, after, difference: before === null || after === null ? null : after - before };
  }

  /** Say in a word how an answer changed. */
  function changeWord(difference) {
    if (difference === null) return "unknown";
    if (Math.abs(difference) < SAME) return "same";
    return difference > 0 ? "better" : "worse";
  }

  /** Say how the refusal changed, empty where it did not. */
  function refusalWord(before, after) {
    if (before == null || after == null || before === after) return "";
    return after ? "refuses now" : "answers now";
  }

  /**
   * The rows that pass the filters, in the asked order, and how many changed how before `change` chose.
   *
   * @param query `source`, `kind`, `change` (better, worse, same, unknown, refuses, answers), `find`,
   *   `sort` (`-change` worst first, `change` best first, else the order of the file).
   */
  function chosenRows(table, query, base, model, score) {
    const names = scoreNames(table);
    const [source, kind] = [table.names.source.indexOf(query.source), table.names.kind.indexOf(query.kind)];
    const find = (query.find ?? "").toLowerCase();
    const texts = Object.values(table.extract);
    const rows = [];
    const counts = { better: 0, worse: 0, same: 0, unknown: 0 };
    for (let row = 0; row < table.question.length; row += 1) {
      if (query.source && table.source[row] !== source) continue;
      if (query.kind && table.kind[row] !== kind) continue;
      if (find && !table.question[row].toLowerCase().includes(find) && !texts.some((text) => text[row]?.toLowerCase().includes(find))) continue;
      const change = changeOf(table, row, base, model, score, names);
      const word = changeWord(change.difference);
      const refusal = refusalWord(table.refusal[base]?.[row], table.refusal[model]?.[row]);
      counts[word] += 1;
      if (query.change === "refuses" || query.change === "answers") {
        if (!refusal.startsWith(query.change)) continue;
      } else if (query.change && word !== query.change) continue;
      rows.push({ row, change, word, refusal });
    }
    const size = (one) => one.change.difference ?? NaN;
    const orders = { change: d3.descending, "-change": d3.ascending };
    const order = orders[query.sort];
    return { counts, rows: order ? d3.sort(rows, (one, other) => order(size(one), size(other))) : rows };
  }

  Object.assign(sandbox, { changeOf, changeWord, chosenRows, refusalWord, scoreNames, sourceName });
})();
