"""No text is written before the language is known."""

from __future__ import annotations

import subprocess
import sys

_WALK = """
import importlib, pkgutil
from tui import strings

def early(*_, **__):
    raise AssertionError("a text is asked for while modules are imported")

strings.text = strings.worded = strings.language = early
import tui
for module in pkgutil.walk_packages(tui.__path__, "tui."):
    importlib.import_module(module.name)
"""


def test_no_text_is_asked_for_at_import() -> None:
    subprocess.run([sys.executable, "-c", _WALK], check=True)
