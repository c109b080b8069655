"""Fixtures that every part of the tests shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

# Read when huggingface_hub is first imported: no test may reach a network.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

# Whatever the locale: tests read English, and name another language where they want it.
os.environ["LANGUAGE"] = "en"

# A script that starts the tests in the background has them ignore interrupts, which some send.
signal.signal(signal.SIGINT, signal.default_int_handler)

Tiny = Callable[[str], Path]


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
