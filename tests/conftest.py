"""What tests are slow, and the browser that all tests share."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .helpers.browser import started_browser, watched_page

# A shell that starts the tests in the background lets them ignore Ctrl-C, and so would the
# processes whose Ctrl-C is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).parent
SLOW = (
    "alignment/evaluation/people/test_main.py",
    "alignment/methods",
    "alignment/cli/test_commands.py",
    "alignment/cli/test_completion.py",
    "alignment/cli/test_secrets.py",
    "alignment/evaluation/benchmarks/test_run.py",
    "alignment/experiments/test_run.py",
    "alignment/observer",
    "alignment/reporting/tracking/test_absent.py",
    "alignment/reporting/tracking/test_run.py",
    "alignment/runtime/test_processes.py",
    "alignment/stages/test_handover.py",
    "alignment/speed/scale",
    "alignment/stages/test_online.py",
    "alignment/stages/test_preflight.py",
    "alignment/stages/test_script.py",
    "alignment/cli/test_sweeps.py",
    "alignment/stages/steps/test_training_data.py",
    "alignment/training/loss/test_contrast.py",
    "alignment/training/test_early_stopping.py",
    "alignment/training/test_group_trainer.py",
    "alignment/training/weights/test_model_checks.py",
    "alignment/training/batches/test_samplers.py",
    "alignment/training/weights/test_sharding.py",
    "policies/huggingface/test_lora.py",
    "policies/huggingface/test_policy.py",
    "policies/society/engines/test_chaos.py",
    "policies/society/engines/test_cluster.py",
    "test_docs.py",
    "test_examples.py",
)
"""Folders and files that `make test-fast` leaves out."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the slow tests; raise an error for a place that is no longer there."""
    if "chaos" not in config.option.markexpr:
        items[:] = [item for item in items if not item.get_closest_marker("chaos")]
    places = [HERE / name for name in SLOW]
    missing = [str(place) for place in places if not place.exists()]
    if missing:
        raise pytest.UsageError(f"tests/conftest.py: no {', '.join(missing)}")
    for item in items:
        if any(place == item.path or place in item.path.parents for place in places):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Give the one browser of all tests; skip the test where there is none."""
    with started_browser() as started:
        yield started


@pytest.fixture
def page(browser: object) -> Iterator[object]:
    """Give an empty page that fails the test if it writes an error or asks another machine."""
    with watched_page(browser) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _own_event_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hide the browser's event loop, which counts as running between two tests, from the others."""
    loop = asyncio._get_running_loop()
    if loop is None or request.node.get_closest_marker("browser"):
        yield
        return
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(loop)
