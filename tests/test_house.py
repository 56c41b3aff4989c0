"""What must not change about how the house is built."""

import ast
import os
import subprocess
import sys
import tomllib
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "envs": {"envs"},
    "policies": {"envs", "policies"},
    "alignment": {"envs", "policies", "alignment"},
}
FLOORS = (
    ("runtime",),
    ("data",),
    ("training",),
    ("observer", "methods"),
    ("evaluation",),
    ("reporting",),
    ("stages", "speed", "show"),
    ("experiments",),
    ("cli",),
)
"""The rooms of `alignment`; each may import from those above it in this list."""
FORMER_PLACES = {"method", "value_head"}
"""Modules that only repeat a name under which users know it."""


MOST_MODULES = 17
"""So many modules can be read in one list; more of them are rooms."""


def modules() -> dict[str, Path]:
    """The project's modules by their dotted names, without `social_sandbox`."""
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for top in MAY_IMPORT
        for file in (ROOT / top).rglob("*.py")
    }


def imported(name: str, known: dict[str, Path]) -> set[str]:
    """The project's modules that one imports, inside functions as well."""
    file = known[name]
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("social_sandbox.") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *filter(None, [node.module])])
            base = base.removeprefix("social_sandbox.")
            inner = {f"{base}.{alias.name}" for alias in node.names}
            found |= {each if each in known else base for each in inner}
    return (found & known.keys()) - {name}


@pytest.fixture(scope="module")
def arrows() -> dict[str, set[str]]:
    known = modules()
    return {name: imported(name, known) for name in known}


@pytest.mark.parametrize("top", MAY_IMPORT)
def test_imports_run_one_way(top: str, arrows: dict[str, set[str]]) -> None:
    own = {name: to for name, to in arrows.items() if name.split(".")[0] == top}
    assert own
    for name, to in own.items():
        assert {each.split(".")[0] for each in to} <= MAY_IMPORT[top], name


def test_rooms_of_alignment_import_from_lower_floors_alone(arrows: dict[str, set[str]]) -> None:
    floors = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    for name, to in arrows.items():
        top, _, rest = name.partition(".")
        room = rest.partition(".")[0]
        if top != "alignment" or not room or room in FORMER_PLACES:
            continue
        assert room in floors, f"{name}: a room of its own? then it belongs into FLOORS"
        for each in to:
            other = each.split(".")[1] if each.startswith("alignment.") else room
            assert other == room or floors[other] < floors[room], f"{name} imports {each}"


def test_no_module_imports_itself_through_others(arrows: dict[str, set[str]]) -> None:
    # A package's `__init__` repeats names of its modules, and is imported along with them.
    files = {name: to for name, to in arrows.items() if modules()[name].name != "__init__.py"}
    TopologicalSorter({name: to & files.keys() for name, to in files.items()}).prepare()


def test_every_package_folder_is_installed() -> None:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]
    wheel = hatch["build"]["targets"]["wheel"]
    tops = [*MAY_IMPORT, "configs"]
    assert sorted(wheel["packages"]) == sorted(tops)
    assert wheel["sources"] == {top: f"social_sandbox/{top}" for top in tops}
    for top in tops:
        for file in (ROOT / top).rglob("*.py"):
            assert (file.parent / "__init__.py").exists(), file


def test_configs_hold_yaml_only() -> None:
    files = {
        f for f in (ROOT / "configs").rglob("*") if f.is_file() and "__pycache__" not in f.parts
    }
    others = {file.name for file in files if file.suffix != ".yaml"}
    assert others == {"__init__.py", "py.typed"}


def test_nothing_is_pickled() -> None:
    for room in MAY_IMPORT:
        for file in (ROOT / room).glob("**/*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            imports = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
            assert not imports & {"pickle", "shelve", "marshal", "dill", "joblib"}, file


def test_the_environment_needs_no_language_model_library() -> None:
    code = (
        "import sys, social_sandbox.envs;"
        "bad = {'torch', 'transformers', 'matplotlib', 'wandb'} & set(sys.modules);"
        "sys.exit(', '.join(bad) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")


LARGE = "torch transformers datasets pandas sklearn scipy matplotlib wandb openai trl accelerate"


@pytest.mark.parametrize(
    "code",
    [
        "import social_sandbox.envs, social_sandbox.policies",
        "from social_sandbox.alignment.stages import Context, compose_settings, simulate",
        "from social_sandbox.alignment.cli import main; main(['simulate', 'policy=scripted',"
        " 'observer=scripted', 'embedder=hashing', 'env.grid_size=2', 'env.n_rounds=1'])",
        "from social_sandbox.alignment.cli import main; main(['simulate', '--help'])",
    ],
)
def test_a_society_without_models_waits_for_no_large_library(code: str, tmp_path: Path) -> None:
    bad = f"set('{LARGE}'.split()) & set(sys.modules)"
    code = f"import sys; {code}; sys.exit(', '.join({bad}) or 0)"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    environment["HOME"] = str(tmp_path)  # where `wandb login` would have left a key
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment, capture_output=True
    )


def test_no_room_has_more_modules_than_one_can_read() -> None:
    sizes = Counter(file.parent for file in modules().values())

    assert {folder for folder, size in sizes.items() if size > MOST_MODULES} == set()
