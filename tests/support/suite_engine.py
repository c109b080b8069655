"""An engine that finds a word of n letters n bits surprising, for suites and their screens."""

from __future__ import annotations

import math
import re

from engine.client import Answer
from engine.messages import Done, Error, Request, ScoredBy, ScoreTexts, TextScore, TextToken
from tests.support.fake_engine import TaskEngine


def tokens(text: str) -> list[TextToken]:
    words = [(found[0], *found.span()) for found in re.finditer(r"\s*\w+|\S", text)]
    return [
        TextToken(n, word, start, end, -math.log(2) * len(word.strip()), 1, math.log(2))
        for n, (word, start, end) in enumerate(words)
    ]


class SuiteEngine(TaskEngine):
    """Answers `ScoreTexts` at once, or as far as `room` texts; the rest waits for a cancel."""

    def __init__(self) -> None:
        super().__init__()
        self.room: int | None = None

    def scores(self) -> list[ScoreTexts]:
        return [body for body in self.asked if isinstance(body, ScoreTexts)]

    def request(self, body: Request) -> Answer:
        if not isinstance(body, ScoreTexts):
            return super().request(body)
        self.asked.append(body)
        answer = Answer(lambda: self._cancel(body, answer))
        answer.put(ScoredBy(model=body.model, revision="1", method="causal", start="<s>"))
        for index, text in enumerate(body.texts[: self.room]):
            if "bad" in text:
                error = Error(kind="bad_request", message="It cannot be read.")
                answer.put(TextScore(index=index, error=error))
            else:
                answer.put(TextScore(index=index, tokens=tokens(text)))
        if self.room is None or self.room >= len(body.texts):
            answer.put(Done())
        return answer
