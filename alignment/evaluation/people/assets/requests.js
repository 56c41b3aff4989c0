"use strict";

/** What the page asks of its server. */
(() => {
  /**
   * Make a request.
   * @param {string} path Path on this server.
   * @param {object} [body] What is sent; without it the page only asks.
   * @returns {Promise<object>} The answer; rejected with a sentence for people to read.
   */
  async function request(path, body) {
    const options = body && {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    };
    let answer;
    try {
      answer = await fetch(path, options);
    } catch {
      throw new Error("The server does not answer. Your earlier judgements are kept; try again when it runs.");
    }
    if (!answer.ok) throw new Error((await answer.text()).trim() || `The server answers ${answer.status}.`);
    return answer.json();
  }

  /** Return what is judged here, before anybody has begun. */
  const readStudy = () => request("study");
  /** Return the next task of a rater; without `number` when all are done. */
  const readTask = (rater) => request(`task?${new URLSearchParams({ rater })}`);
  /** Send a judgement; returns the next task once the judgement is on the server's disk. */
  const sendJudgement = (judgement) => request("judgement", judgement);

  Object.assign(sandbox, { readStudy, readTask, sendJudgement });
})();
