from __future__ import annotations

from pathlib import Path

import pytest

from engine.messages import (
    Continue,
    Document,
    Error,
    Fill,
    ListModels,
    Models,
    PseudoLikelihood,
    Score,
    ScorePairs,
    ScoreTexts,
    Tokenize,
    Tokens,
)
from tests.support.sample_events import model
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

COMMANDS = (
    "continue x",
    "fill [MASK]",
    "pll x",
    "surprisal x",
    "compare x --model a --model b",
    "score x y",
    "score --file FILE",
    "pairs FILE --model starter-ja",
    "document FILE",
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("foreign", "warned"), [(0.9, True), (0.2, False)])
def test_scripts_are_warned_too_of_a_text_that_the_model_does_not_know(
    engine: ScriptedEngine,
    tsuzuki: Tsuzuki,
    tmp_path: Path,
    command: str,
    foreign: float,
    warned: bool,
) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("x\ty\n")
    failed = Error(kind="unable", message="It ends here.")
    for kind in (Continue, Fill, PseudoLikelihood, Score, ScorePairs, ScoreTexts, Document):
        engine.scripts[kind] = [failed]
    engine.scripts[ListModels] = [Models([model("starter-ja")])]
    engine.scripts[Tokenize] = [Tokens(model="m", tokens=[], unknown=0.1, foreign=foreign)]

    result = tsuzuki(*(str(file) if word == "FILE" else word for word in command.split()))

    assert (result.code, result.out) == (1, "")
    assert ("90% of this text is unknown" in result.err) is warned
