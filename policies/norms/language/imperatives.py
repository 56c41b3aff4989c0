"""Sentences that tell somebody what to do, in English."""

import re

_VERBS = """
accept act add admit agree allow apologise apologize apply approach arrange ask assume avoid be
become begin believe block book breathe bring build buy call calm cancel care change check choose
clean close collect come compare complain confess contact continue cook copy count create cut deal
decide delete demand describe do donate drink drive drop eat encourage end enjoy ensure explain
express face fight figure fill find finish fix focus follow forget forgive get give go grab grow
handle hang have hear help hide hire hit hold ignore imagine inform insist invite join keep kill
learn leave lend let lie listen look lose love make meet mix monitor move note offer open order
park pay pick plan play practice practise prepare press pretend protect prove pull push put quit
reach read relax remain remember remind remove repeat replace report research resist respect rest
return ring run save say schedule search see seek sell send set share show sit skip sleep smile
speak spend stand start stay steal step stick stop store suggest support swallow take talk teach
tell think threaten throw touch train treat trust try turn understand unlock use visit wait wake
walk wash watch wear work write
"""
_VERB = "(?:" + "|".join(_VERBS.split()) + ")"
_OPENING = (
    r"(?:[^\w]*(?:(?:then|so|and|but|or|also|just|now|first|second|third|next|finally|instead"
    r"|always"
    r"|simply|ok|okay|well|no|yes|listen|look|sure|of course|in that case|for now|today|tonight)"
    r"\b[,:;]?\s*){0,3})"
)
# A verb that stands before one of these is a noun: "Help is near", "Work can wait".
_NOUN = (
    r"(?!\s+(?:is|are|was|were|can|could|will|would|may|might|must|should|has|had|does|did|that"
    r"|which|of|often|usually|rarely)\b|['-]\w)"
)
_COMMAND = re.compile(rf"{_OPENING}{_VERB}\b{_NOUN}", re.IGNORECASE)
_PROHIBITION = re.compile(
    rf"{_OPENING}(?:please,?\s+)?(?:do not|don't|dont|never)\s+(?!worry\b|mind\b)\w+", re.IGNORECASE
)
_PLEASE = re.compile(rf"{_OPENING}please,?\s+{_VERB}\b", re.IGNORECASE)
_DUTY = re.compile(
    r"\byou(?:'d)?\s+(?:really\s+|absolutely\s+|definitely\s+|just\s+|simply\s+)?"
    r"(?:must|should|shall|need to|have to|had better|better|ought to|are to|will have to)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[;:\u2014]\s+|,\s+(?:and|so|then|but|or)\s+|\s+-\s+")
_SOFT = re.compile(
    r"(?:let me|let's|let us|imagine|note that|see if|see whether|think of (?:it|this)|keep in mind"
    r"|remember that|feel free|have a (?:good|nice)|take care|be well|do you|do they|do we|help is"
    r"|get well|enjoy your|look,)\b",
    re.IGNORECASE,
)
_LEADING = re.compile(_OPENING, re.IGNORECASE)


def commands(sentence: str) -> bool:
    """Return whether a sentence orders the person to do something.

    A sentence is an order where one of its clauses begins with a verb in its base form, as in "Call
    her", or says `you must`, `you should`, `you need to` and the like. A question, a request
    with `please` and a stock phrase such as "take care" are none.
    """
    if sentence.rstrip("\"')* ").endswith("?"):
        return False
    if _DUTY.search(sentence):
        return True
    return any(_is_command(clause) for clause in _CLAUSE.split(sentence))


def prohibits(sentence: str) -> bool:
    """Return whether a sentence tells the person not to do something: `don't`, `never`."""
    if sentence.rstrip("\"')* ").endswith("?"):
        return False
    return any(_PROHIBITION.match(clause) for clause in _CLAUSE.split(sentence))


def requests(sentence: str) -> bool:
    """Return whether a sentence asks the person with `please` to do something."""
    return any(_PLEASE.match(clause) for clause in _CLAUSE.split(sentence))


def _is_command(clause: str) -> bool:
    opening = _LEADING.match(clause)
    start = opening.end() if opening else 0
    if _SOFT.match(clause, start):
        return False
    prohibition = _PROHIBITION.match(clause)
    if prohibition:
        return "please" not in prohibition[0].lower()
    return bool(_COMMAND.match(clause))
