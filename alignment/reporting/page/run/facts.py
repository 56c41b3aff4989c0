"""Facts about a run: who played, on what, with which program, and what it cost."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from social_sandbox.envs.rules.turns import Tokens
from social_sandbox.policies.society.log import CAST

from ....runtime.attempts import duration, seconds
from ..lines import read_json
from ..records import Fact
from .stages import Record, attempts

Costs = Mapping[str, Tokens]


def facts(
    folder: Path, records: Mapping[str, Record], counts: Mapping[str, int], costs: Costs
) -> Iterator[Fact]:
    """Yield the facts of a run, as far as they are recorded.

    Args:
        folder: The folder of the run.
        records: The records of its stages.
        counts: Numbers of interactions, worlds, agents, rounds and questions.
        costs: What each policy has spent.
    """
    simulation = (records.get("simulation") or {}).get("settings") or {}
    env = simulation.get("env") or {}
    if counts["interactions"]:
        yield Fact(
            "Society",
            f"{_count(counts['worlds'], 'world')}, {_count(counts['agents'], 'social agent')}"
            f"{' in each' if counts['worlds'] > 1 else ''}, {_count(counts['rounds'], 'round')}",
            f"{counts['interactions']} interactions",
        )
        yield _questions(simulation, counts["questions"])
    if "seed" in simulation:
        yield Fact("Seed", str(simulation["seed"]))
    yield from _players(simulation, costs)
    if env:
        yield Fact(
            "Peers",
            f"{env.get('n_peers')} per draft, {env.get('interaction')}",
            f"radius {env.get('radius')}, dropout {env.get('peer_dropout')}, "
            f"views {env.get('world_view')}, memory {'on' if env.get('memory') else 'off'}",
        )
    alignment = (records.get("alignment") or {}).get("settings") or {}
    if "base_model" in alignment:
        yield Fact("Base model", str(alignment["base_model"]))
        method = alignment.get("method") or {}
        yield Fact("Method", str(method.get("name", "")).replace("_", " "), _training(records))
    observer = ((records.get("evaluation") or {}).get("settings") or {}).get("observer")
    if observer:
        yield Fact("Held-out answers rated by", recipe_name(observer))
    yield from _cost(costs)
    yield from _program(records)


def policies(folder: Path) -> dict[str, str]:
    """Return the name of each agent's policy, by `world/agent`."""
    cast = read_json(folder / "simulation" / CAST) or {}
    return {
        f"{world}/{agent}": str(policy)
        for world, agents in cast.items()
        if isinstance(agents, Mapping)
        for agent, policy in agents.items()
    }


def recipe_name(recipe: Mapping[str, Any]) -> str:
    """Return the model of a policy, or the name of its class."""
    model = recipe.get("name") or recipe.get("model")
    target = str(recipe.get("_target_", "")).rpartition(".")[2]
    if model and target:
        return f"{model} ({target})"
    return str(model or target or recipe.get("policy") or "?")


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _questions(simulation: Mapping[str, Any], asked: int) -> Fact:
    questions = simulation.get("questions", "?")
    names = {None: "the project's own questions", "?": "not recorded"}
    value = names.get(questions, f"a file with SHA-256 {str(questions)[:12]}")
    return Fact("Question set", f"{value}; {asked} were asked")


def _players(simulation: Mapping[str, Any], costs: Costs) -> Iterator[Fact]:
    population = simulation.get("population") or []
    if population:
        shown = [f"{entry.get('policy')}: {_choice(entry)}" for entry in population]
        yield Fact("Population", "; ".join(shown))
    elif simulation.get("policy"):
        yield Fact("Social agents", recipe_name(simulation["policy"]))
    elif costs:
        yield Fact("Policies", ", ".join(sorted(filter(None, costs))))
    if simulation.get("observer"):
        yield Fact("Observers", recipe_name(simulation["observer"]))
    if simulation.get("embedder"):
        yield Fact("Embedder", recipe_name(simulation["embedder"]))


def _choice(entry: Mapping[str, Any]) -> str:
    names = ("select", "share", "rows", "columns")
    chosen = [f"{name} {entry[name]}" for name in names if name in entry]
    return ", ".join(chosen) or "all others"


def _training(records: Mapping[str, Record]) -> str:
    summary = (records.get("alignment") or {}).get("summary") or {}
    if "steps" not in summary:
        return ""
    return (
        f"{summary['steps']} steps, {summary.get('tokens', 0):,} tokens in "
        f"{duration(summary.get('seconds', 0))}"
    )


def _cost(costs: Costs) -> Iterator[Fact]:
    total = sum(costs.values(), Tokens())
    if total == Tokens():
        return
    by_policy = "; ".join(
        f"{name}: {spent.prompt:,} read, {spent.completion:,} written, {spent.usd:.4f} USD"
        for name, spent in sorted(costs.items())
        if spent != Tokens()
    )
    requests = f", {total.requests:,} requests" if total.requests else ""
    yield Fact(
        "Cost of the society",
        f"{total.prompt + total.completion:,} tokens, {total.usd:.4f} USD{requests}",
        by_policy,
    )


def _program(records: Mapping[str, Record]) -> Iterator[Fact]:
    known = list(attempts(records))
    if not known:
        return
    commits = [f", commit {one['commit'][:12]}" if one.get("commit") else "" for one in known]
    versions = dict.fromkeys(
        f"social-sandbox {one.get('version')}{commit}"
        for one, commit in zip(known, commits, strict=True)
    )
    yield Fact("Program", "; ".join(versions), f"Python {known[-1].get('python')}")
    machines = dict.fromkeys(
        f"{one.get('system')}, {one.get('cores')} cores, {one.get('gpu') or 'no GPU'}"
        for one in known
    )
    yield Fact("Machine", "; ".join(machines))
    times = sorted(str(one["began"]) for one in known if one.get("began"))
    ends = sorted(str(one["ended"]) for one in known if one.get("ended"))
    spent = sum(filter(None, map(seconds, known)))
    if times:
        yield Fact("Begun", times[0], f"ended {ends[-1]}" if ends else "")
        yield Fact("Time at work", duration(spent))
