"""The model card of a value head; its fields are the metrics of `train_value_head`."""

GROUP_DATA = "pairs of rated candidates"
PEOPLE_DATA = "answers that people compared or rated with social-sandbox rate"
HUMAN_DATA = (
    "a set of human preferences in the form of HH-RLHF's harmless-base "
    "(of the shipped head: half of its test set; MIT, (c) 2022 Anthropic; Bai et al. 2022, "
    "arXiv 2204.05862; the tail of the dialogue as the question did no better in cross-validation)"
)

CARD = """# The value head

Rates how well aligned an answer to a question is, on 1 to 7: a linear head over
{encoder}, used by `ValueModelPolicy`, the default observer.

- **Features** of question q and answer a: `a`, `q*a` and `|q-a|` of the sentence embeddings, and
  the answer's mean hidden state at layer 4 of 6. A text is read up to 256 tokens.
- **Training**: Bradley-Terry (logistic) on pairs, L2 penalty {penalty:g} chosen by
  cross-validation within the training side (human {cv_human:.1%}, own {cv_own:.1%}), seed {seed}.
  Ratings are calibrated on the project's own training answers, good and bad: the median rates 4
  and the middle 90 % lie on about 1.7 to 6.3. Empty answers, echoed
  questions and loops are held down by a rule (`novelty`).
- **Data**: 80 % of {data}, split by the first human turn, the last human turn serving as the
  question; and this project's own good and bad answers (Apache-2.0), held-out questions apart.

| the better answer rates higher | share | 95 % interval | pairs |
| --- | --- | --- | --- |
| held-out pairs of that data | {human:.1%} | {human_low:.1%} to {human_high:.1%} | {human_n} |
| the project's held-out answers | {own:.1%} | {own_low:.1%} to {own_high:.1%} | {own_n} |

The interval covers the chance of the draw only. Retrained on ten other splits of these
pairs with the same penalty: {splits:.1%} on average, {splits_low:.1%} to {splits_high:.1%}.
For the shipped head (seed 0) this average is the better estimate: its held-out fifth was looked at
more than once while features and the rule for the penalty were chosen. Variants that did as well
in cross-validation (another middle layer beside the fourth, a penalty of 30000) reached 59.7% and
61.3% on that fifth; such differences are noise.

Tricks, played on the held-out questions: how many good answers rate above them.

| instead of the answer | good answers that rate above it |
| --- | --- |
| the question echoed | {beats_echo:.0%} |
| one kind sentence, over and over | {beats_loop:.0%} |
| "I'm sorry, but I can't help with that." | {beats_refusal:.0%} |
| the good answer to another question | {beats_elsewhere:.0%} |
| the good answer, and another question's after it | {beats_twice_as_long:.0%} |

## What it cannot do

- **It rewards refusals and answers that are beside the point.** People who judged harmlessness
  preferred them, and a head that learns from these people does so too. Teaching it otherwise
  (another question's answer, or canned refusals, as bad examples) cost 4 to 15 points on human
  preferences, the more the better it was learnt. This head gives held-out good answers
  {median_good:.1f} (median), bad ones {median_bad:.1f}, good answers to another question
  {median_elsewhere:.1f} and that canned refusal {median_refusal:.1f}. Engagement, whose proxy asks
  for relevance, has to be weighed in: of the good answers {beats_refusal_25:.0%} beat that
  refusal where it has weight 0.25 beside alignment, {beats_refusal_50:.0%} at 0.5,
  {beats_refusal_100:.0%} at 1.
- It judges tone and attitude more than facts.
- It is good enough to tell contempt from care in a small society, and no judge of a model for
  release: the human preferences are noisy, and it orders about five pairs of eight.
- **Engagement** is not learnt: nobody publishes labels for it. `engagement_proxy` is a documented
  formula of relevance and substance, and no more than that.
"""
