"""How requests name an n-gram model, which is trained on a text when it is loaded."""

from __future__ import annotations

import re

NGRAM = re.compile(r"(?:(\d{1,3})-gram|ngram):(.+)", re.DOTALL)
"""``3-gram:FILE``, or ``ngram:FILE`` for one of the highest order: the order and the text."""
HIGHEST = 5
"""The highest order."""
