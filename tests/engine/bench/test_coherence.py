"""The table of coherence: its samples, and its figures from a judge whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.bench.coherence import Both, Judge, Sample, Texts, baselines, rows
from engine.messages import PairScore, PmiResult, ScorePairs
from engine.tasks import continuity
from tests.support.bundles import STARTER, load

TEXT = "A one. A two. A three.\n\nB four. B five.\n\nC six. C seven. C eight."


class Known(Judge):
    """Likes a sentence after its predecessor, and those of one topic."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.asked: list[Texts] = []
        self._sentences = list(sentences)

    def __call__(self, pairs: Sequence[Texts]) -> list[Both]:
        self.asked += pairs
        return [{"nsp_margin": (self._score(a, b), self._score(b, a))} for a, b in pairs]

    def _score(self, first: str, second: str) -> float:
        if first[0] != second[0]:
            return -1.0
        if first not in self._sentences or second not in self._sentences:
            return 1.0
        away = self._sentences.index(second) - self._sentences.index(first)
        return 2.0 if away == 1 else 1.0


def test_a_sample_is_cut_after_a_number_of_sentences() -> None:
    sample = Sample.of("t", TEXT, 7)
    assert sample.sentences[-1] == "C seven."
    assert sample.marked == [2, 4]
    assert sample.blocks(3) == ["A one. A two. A three.", "B four. B five. C six."]
    assert sample.sides(3) == ("A two. A three. B four.", "B five. C six. C seven.")


def test_a_perfect_judge_is_always_right() -> None:
    sample = Sample.of("t", TEXT, 99)
    judge = Known(sample.sentences)
    table = "\n".join(rows(judge, sample))
    assert "random        100.0% of 5" in table
    assert "random, by sign 100.0% of 10" in table
    assert "order         100.0% of 5" in table
    assert "shuffles, 1   100.0% of 20, 8 blocks" in table
    assert "single        Pk 0.000  WindowDiff 0.000  2 boundaries" in table
    # Random sentences come from other paragraphs.
    assert all(a[0] != b[0] for a, b in judge.asked[5:10])


def test_baselines_need_no_model() -> None:
    table = list(baselines(Sample.of("t", TEXT, 99)))
    assert [line.split()[0] for line in table] == ["lexical", "lexical", "no"]
    assert "0 boundaries" in table[-1]


def test_a_judge_asks_each_pair_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = Judge(load(STARTER / "starter-ja", "causal"))
    pair = ("東京は雨です。", "傘を買いました。")
    (found,) = judge([pair])
    assert set(found) == {"pmi_bits", "pmi_bits_per_token"}
    monkeypatch.setattr(continuity, "run_pairs", None)
    assert judge([pair, pair]) == [found, found]


def test_a_pair_that_is_too_long_is_judged_by_what_the_model_can_read_of_it() -> None:
    sample = Sample.of("t", "東京は雨です。傘を買いました。\n\n" + "猫が鳴く、" * 200 + "。", 99)
    model = load(STARTER / "starter-ja", "causal")
    pair = (sample.sentences[1], sample.sentences[2])
    request = ScorePairs(model="m", pairs=[pair])
    scored = next(e for e in continuity.run_pairs(model, request, 0.0) if isinstance(e, PairScore))
    assert isinstance(scored.result, PmiResult)
    assert scored.result.trimmed is not None
    (found,) = Judge(model)([pair])
    assert found["pmi_bits"] == (scored.result.bits, scored.result.reversed.bits)
