"""The bundled models, which are always available: used by default, and named in hints."""

from __future__ import annotations

from typing import Final

STARTER_CAUSAL: Final = "starter-ja"
STARTER_MASKED: Final = "starter-en"
"""It has a next-sentence head too."""
