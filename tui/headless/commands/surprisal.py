"""`tsuzuki surprisal`: how much every token and word of a text surprised a model."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from dataclasses import replace
from shutil import get_terminal_size

from engine.messages import PrecisionChoice, Token
from tui.analysis.heat import bits
from tui.analysis.word_surprisal import Word, segment, words
from tui.cards.texts import perplexity
from tui.headless.commands import text_table
from tui.headless.commands.text_table import ScoreTableCommand, add_table
from tui.headless.io import bars, settings_file
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.reading import Reading, read
from tui.headless.io.request import pane_model, read_given
from tui.headless.io.session import Session, run
from tui.headless.options import add_model, add_precision, add_text
from tui.headless.schemas.surprisal import SurprisalDocument, SurprisalToken, SurprisalWord
from tui.strings import text as string
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.sanitise import ASCII, UNICODE, Glyphs


class SurprisalCommand(ScoreTableCommand, frozen=True, kw_only=True):
    """`tsuzuki surprisal`, whose text may also be the name of a file that is there."""

    model: str | None = None
    precision: PrecisionChoice = "exact"
    no_start: bool
    word_boundary: bool
    bars: bool

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        add_text(parser, "text_or_file", "TEXT|FILE")
        add_model(parser, "continue")
        add_precision(parser)
        parser.add_argument("--no-start", action="store_true", help=string("cli.option.no_start"))
        parser.add_argument(
            "--word-boundary", action="store_true", help=string("cli.option.word_boundary")
        )
        parser.add_argument("--bars", action="store_true", help=string("cli.option.bars"))
        add_table(parser)

    def execute(self, output: Output) -> Exit:
        if self.bars and self.json:
            raise Failure.usage(string("cli.no_bars"))
        if self.tabular:
            if self.word_boundary:
                raise Failure.usage(string("cli.no_boundaries_in_table"))
            if self.bars:
                raise Failure.usage(string("cli.no_bars"))
            model = pane_model(self, self.model, "continue")
            return text_table.execute(
                self, "surprisal", model, self.precision, "causal", output, start=not self.no_start
            )
        written = read_given(self, files=True)
        if self.word_boundary and segment(written)[0] != "whitespace":
            raise Failure.usage(string("cli.no_boundaries"))

        async def work(session: Session) -> Exit:
            model = pane_model(self, self.model, "continue")
            await warn(session, output, model, written)
            reading = await read(
                session,
                model,
                self.precision,
                written,
                start=not self.no_start,
                boundaries=self.word_boundary,
                on_progress=lambda done, of: output.status(string("cli.reading"), f"{done}/{of}"),
            )
            document = describe(reading, corrected=self.word_boundary)
            if self.json:
                output.document(document)
            elif self.bars:
                words = [(word.text, word.surprisal_bits) for word in document.words]
                for line in bars.lines(words, get_terminal_size().columns - 1, self._glyphs()):
                    output.line(line)
            else:
                _print(document, output)
            return Exit.DONE

        return run(self, output, work)

    def _glyphs(self) -> Glyphs:
        return ASCII if settings_file.load(self).settings.ascii else UNICODE


def describe(reading: Reading, *, corrected: bool) -> SurprisalDocument:
    """The document of a reading."""
    tokens = [
        SurprisalToken(t.id, t.text, t.logprob, t.rank, t.entropy, *_place(reading, number))
        for number, t in enumerate(reading.tokens, len(reading.pieces) - len(reading.tokens))
    ]
    if reading.unscored is not None:
        first = reading.unscored
        tokens.insert(
            0, SurprisalToken(first.id, first.text, None, None, None, *_place(reading, 0))
        )
    # The tokens' text counts: some tokenizers write letters in another way than they were given.
    method, segments = segment("".join(token.text for token in tokens))
    found = _words(reading, segments, corrected=corrected)
    scored = [word.nats for word in found if word.nats is not None and not word.punctuation]
    count = len(reading.tokens)
    mean = reading.nats / count if count else None
    return SurprisalDocument(
        model=reading.model,
        bos=reading.start,
        tokens=tokens,
        words=[_word(reading, word) for word in found if word.text.strip()],
        perplexity=None if mean is None else perplexity(mean),
        word_method=method,
        word_boundary=corrected,
        nats=reading.nats,
        bits_per_token=None if mean is None else bits(mean),
        bits_per_word=bits(math.fsum(scored)) / len(scored) if scored else None,
        windows=reading.windows,
        revision=reading.revision,
        precision=reading.precision,
        weights=reading.weights,
    )


def _words(reading: Reading, segments: list[str], *, corrected: bool) -> list[Word]:
    """The words with their surprisal. The first has none where its first token was not scored."""
    if reading.unscored is None:
        return words(reading.tokens, segments, reading.after, corrected=corrected)
    first = Token(
        branch=0,
        id=reading.unscored.id,
        text=reading.unscored.text,
        logprob=0.0,
        sampled_logprob=0.0,
        rank=1,
        entropy=0.0,
    )
    found = words([first, *reading.tokens], segments, reading.after, corrected=corrected)
    return [replace(word, nats=None) if not number else word for number, word in enumerate(found)]


def _word(reading: Reading, word: Word) -> SurprisalWord:
    """A word of the document, with its place in the text that was given."""
    places = [place for number in word.tokens for place in _place(reading, number)]
    known = [place for place in places if place is not None]
    start, end = (min(known), max(known)) if known else (None, None)
    if start is not None and end is not None:
        written = reading.written[start:end]
        start, end = end - len(written.lstrip()), start + len(written.rstrip())
    nats = None if word.nats is None else bits(word.nats)
    return SurprisalWord(word.text.strip(), nats, start, end, word.punctuation)


def _place(reading: Reading, number: int) -> tuple[int | None, int | None]:
    """Where a token of the text begins and ends in it."""
    piece = reading.pieces[number]
    return piece.start, piece.end


def _print(document: SurprisalDocument, output: Output) -> None:
    """Print a line for each token, one for each word, then the totals."""
    # A text comes last: it is the one column whose width on a screen is not known.
    output.line(string("cli.surprisal_tokens"))
    for token in document.tokens:
        figures = f"{'–':>9} {'–':>7} {'–':>8}"
        if token.logprob is not None and token.entropy is not None:
            figures = f"{bits(-token.logprob):9.3f} {token.rank:>7} {bits(token.entropy):8.3f}"
        output.line(f"{figures}  {token.text!r}")
    output.line("\n" + string("cli.surprisal_words"))
    for word in document.words:
        output.line(f"{_figure(word.surprisal_bits, 3):>9}  {word.text!r}")
    output.line()
    summary = string(
        "cli.surprisal_summary",
        nats=f"{document.nats:.4f}",
        bits=_figure(document.bits_per_token, 3),
        words=_figure(document.bits_per_word, 3),
        method=string(f"card.words_{document.word_method}"),
        perplexity=_figure(document.perplexity, 2),
        start=document.bos or string("cli.no_start"),
    )
    output.line(summary)


def _figure(value: float | None, digits: int) -> str:
    """A figure; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"
