"""Fixtures that every part of the tests shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tui import strings

# Read when huggingface_hub is first imported: no test may reach a network.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Read when torch is first imported: the tests run side by side, a core each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Whatever the locale: tests read English, and name another language where they want it.
os.environ["LANGUAGE"] = "en"

# A script that starts the tests in the background has them ignore interrupts, which some send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no failure.
hypothesis_settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("patient")

E2E = Path(__file__).parent / "e2e"
MOST_WORKERS = 8
"""More would only wait for the file that takes longest."""

Tiny = Callable[[str], Path]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker for each core, and none for a single file, which starts sooner without."""
    files = set[Path]()
    for argument in config.args:
        path = config.invocation_params.dir / argument.partition("::")[0]
        files |= set(path.rglob("test_*.py")) if path.is_dir() else {path}
    return min(psutil.cpu_count() or 1, len(files), MOST_WORKERS) if len(files) > 1 else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in the folder of whole programs."""
    for item in items:
        if E2E in item.path.parents:
            item.add_marker("e2e")


@pytest.fixture(autouse=True)
def english() -> None:
    """Whatever language the test before used: a worker runs files of all rooms."""
    strings.use("en")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Give the folder of a random small model, built once a session: `tiny("gpt2")`."""
    root = tmp_path_factory.mktemp("tiny")
    built: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        from tests.support.tiny import (
            build,  # torch and transformers, only where a test wants a model
        )

        if kind not in built:
            built[kind] = build(kind, root / kind)
        return built[kind]

    return folder
