"""An engine that answers tasks as a test wants, and the whole app over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import log
from pathlib import Path

from msgspec import structs
from textual.pilot import Pilot

from engine.client import Answer, EngineState
from engine.messages import (
    Alternative,
    Arranged,
    BranchDone,
    Candidate,
    Cell,
    Continue,
    CosineResult,
    Document,
    DocumentResult,
    Done,
    Error,
    Event,
    Fill,
    FillResult,
    Find,
    Found,
    Gap,
    Hidden,
    JointFill,
    JointFills,
    MaskFill,
    Match,
    MatrixCells,
    ModelInfo,
    NBest,
    NBestPath,
    NBestResult,
    NspDirection,
    NspResult,
    PairTable,
    Piece,
    PllMethod,
    PllToken,
    PmiDirection,
    PmiResult,
    Precision,
    PseudoLikelihood,
    PseudoLikelihoodResult,
    Request,
    SamplerStep,
    Score,
    ScoredToken,
    Sentence,
    Shuffled,
    Started,
    Timing,
    Token,
    Tokenize,
    Tokens,
    Trace,
    Traced,
    Verdict,
    Witness,
    WordScore,
)
from tests.support.screen_host import FakeEngine, model, until
from tui.app import TsuzukiApp
from tui.config.settings import Loaded, Settings
from tui.connection.link import OnEvent, OnState
from tui.panes.base import TaskPane

MODELS = [
    model(
        "starter-ja",
        languages=["ja"],
        roles=["continue", "fill", "score"],
        state="ready",
        precisions=["exact", "bf16", "int8", "int4"],
        in_memory=["exact"],
    ),
    model(
        "starter-en",
        languages=["en"],
        roles=["fill", "score"],
        heads=["masked", "next_sentence"],
        bytes=9_743_580,
        precisions=["exact"],
    ),
    model(
        "smollm2",
        title="SmolLM2",
        roles=["continue", "fill", "score"],
        state="absent",
        bytes=92_871_040,
        chat=True,
    ),
]
Asked = Continue | NBest | Find | Trace | Fill | PseudoLikelihood | Score | Document | Tokenize
"""What `TaskEngine` answers itself."""
WORDS = ["とても", "静か", "で、", "夜", "は", "明るい", "。\n", "そして"]


def pieces(text: str, *, pair: int | None = None) -> list[Piece]:
    """One piece a word, between the special tokens of a BERT."""
    words = [
        Piece(
            id=number,
            text=word,
            piece=word,
            start=number,
            end=number + 1,
            segment=0 if pair is None or number < pair else 1,
        )
        for number, word in enumerate(text.split(), 10)
    ]
    first = Piece(id=2, text="[CLS]", piece="[CLS]", special=True)
    return [first, *words, Piece(id=3, text="[SEP]", piece="[SEP]", special=True)]


def token(word: str, number: int, branch: int = 0) -> Token:
    top = [
        Alternative(id=number, text=word, logprob=-0.5),
        Alternative(id=99, text="別", logprob=-1.25),
        Alternative(id=98, text=" x\n", logprob=-4.0),
    ]
    return Token(
        branch=branch,
        id=number,
        text=word,
        logprob=-0.5 * (1 + number % 8),
        sampled_logprob=-0.25,
        rank=1 + number % 3,
        entropy=2.0,
        top=top,
        normaliser=9.5,
    )


class TaskEngine(FakeEngine):
    """Answers every task at once; with `hold`, continuations wait for the test's own events."""

    def __init__(self, models: list[ModelInfo] | None = None, *, hold: bool = False) -> None:
        super().__init__(MODELS if models is None else models)
        self.hold = hold
        self.live: list[Answer] = []
        self.unknown: dict[str, float] = {}
        """By model, the share of any text that it does not know."""

    async def connect(self, on_event: OnEvent, on_state: OnState) -> TaskEngine:
        self._on_state = on_state
        await super().connect(on_event, on_state)
        return self

    def become(self, state: EngineState, reason: Error | None = None) -> None:
        self._on_state(state, reason)

    def request(self, body: Request) -> Answer:
        match body:
            case (
                Continue()
                | NBest()
                | Find()
                | Trace()
                | Fill()
                | PseudoLikelihood()
                | Score()
                | Document()
                | Tokenize()
            ):
                self.asked.append(body)
                answer = Answer(lambda: self._cancel(body, answer))
                if isinstance(body, Continue) and self.hold:
                    self.live.append(answer)
                else:
                    for event in self.events(body):
                        answer.put(event)
                return answer
            case _:
                return super().request(body)

    def tasks(self) -> list[Continue | Fill | PseudoLikelihood | Score]:
        kinds = Continue | Fill | PseudoLikelihood | Score
        return [body for body in self.asked if isinstance(body, kinds)]

    def events(self, body: Asked) -> list[Event]:
        match body:
            case Find():
                match = Match(ids=[41, 42], text=body.query, logprob=-3.0)
                return [Found(model=body.model, matches=[match], tokens=0), Done()]
            case Continue():
                return self._continuation(body)
            case NBest():
                return [_likeliest(body), Done()]
            case Trace():
                return [_traced(body), Done()]
            case Fill():
                return [_filled(body), Done(timing=Timing(total_s=0.25))]
            case PseudoLikelihood():
                results = [judged(body, method) for method in body.methods]
                return [*results, Done(timing=Timing(total_s=0.25))]
            case Score():
                return [*_results(body), Done(timing=Timing(total_s=0.25))]
            case Document():
                return [*_document(body), Done(timing=Timing(total_s=0.25))]
            case Tokenize():
                share = self.unknown.get(body.model, 0.0)
                return [Tokens(model=body.model, tokens=[], unknown=share, foreign=0.0)]

    def _continuation(self, body: Continue) -> list[Event]:
        events: list[Event] = [started(body)]
        for branch in range(body.branches):
            ids = list(map(ord, body.begin)) if isinstance(body.begin, str) else body.begin
            texts = body.begin if isinstance(body.begin, str) else [f"<{n}>" for n in ids]
            given = [
                structs.replace(token(text, number, branch), given=True)
                for text, number in zip(texts, ids, strict=True)
            ]
            drawn = [token(word, n, branch) for n, word in enumerate(WORDS)][: body.max_tokens]
            events += [*given, *drawn]
            events.append(BranchDone(branch=branch, finish="length"))
        timing = Timing(first_token_s=0.125, tokens_per_s=40.0, total_s=1.0)
        return [*events, Done(finish="length", timing=timing)]


def started(body: Continue) -> Started:
    prompt = body.prompt if isinstance(body.prompt, str) else f"{len(body.prompt)} ids"
    ids = [7] if isinstance(body.prompt, str) else body.prompt
    return Started(
        model=body.model,
        revision="r1",
        precision=_form(body),
        prompt=prompt,
        prompt_tokens=[Piece(id=number, text=prompt, piece=prompt) for number in ids],
        seed=None if body.sampling.greedy else 1234,
    )


def _likeliest(body: NBest) -> NBestResult:
    """Paths of the same token over and over, each half as likely as the one before."""
    paths = [
        NBestPath(ids=[n] * body.max_tokens, text=f"<{n}>" * body.max_tokens, logprob=-n * log(2))
        for n in range(1, body.n + 1)
    ]
    return NBestResult(
        model=body.model, revision="r1", precision="exact", paths=paths, complete=True, reads=1
    )


def _traced(body: Trace) -> Traced:
    """Two steps, the second of which leaves one token."""
    top = [Alternative(id=3, text="夜", logprob=-0.5), Alternative(id=99, text="別", logprob=-1.0)]
    steps = [
        SamplerStep(name="", value=None, kept=9, removed=0, entropy=2, logprob=-1, rank=2, top=top),
        SamplerStep(
            name="top_k",
            value=1,
            kept=1,
            removed=0.25,
            entropy=0,
            logprob=None,
            rank=None,
            top=top[:1],
        ),
    ]
    return Traced(model=body.model, drawn=3, drawn_text="夜", steps=steps)


def _filled(body: Fill) -> FillResult:
    words = ["tennis", "baseball", "games", "it", "cards"][: body.top]
    candidates = [
        Candidate(id=n, text=w, prob=0.5 / 2**n, logit=9.5 - n * log(2))
        for n, w in enumerate(words)
    ]
    tokens = pieces(body.text)
    masks = [
        MaskFill(
            position=position,
            candidates=candidates,
            hidden=None if word is None else Hidden(word=word, pieces=1, prob=0.25, rank=2),
            words=[
                WordScore(text=w, ids=[*range(len(w.split()))], logprob=-float(len(w)), rank=n)
                for n, w in enumerate(body.words, 3)
            ],
            whole=[
                WordScore(text=f"long{n}", ids=[*range(n)], logprob=-1.5 * n, rank=n)
                for n in range(2, body.pieces + 1)
            ],
        )
        for position, word in zip(
            [n for n, piece in enumerate(tokens) if piece.piece == "[MASK]"],
            [*body.hidden, *[None] * 9],
            strict=False,
        )
    ]
    joint = [
        JointFills(
            method=method,
            fillings=[
                JointFill(words=[w] * len(masks), ids=[n] * len(masks), logprob=-1.0 - n - number)
                for n, w in list(enumerate(words))[number:]
            ],
        )
        for number, method in enumerate(body.joint_methods)
    ]
    return FillResult(
        model=body.model,
        method="mlm",
        text=body.text,
        tokens=tokens,
        masks=masks,
        joint=joint,
        table=_table(candidates[:2]) if joint and len(masks) == 2 else None,
        precision=_form(body),
    )


def _table(words: list[Candidate]) -> PairTable:
    """Two words a mask; the right one first changes which pair is likeliest."""
    return PairTable(
        left=words,
        right=words,
        left_first=[[-1.0, -2.0], [-3.0, -4.0]],
        right_first=[[-2.5, -1.5], [-3.5, -4.5]],
    )


def judged(body: PseudoLikelihood, method: PllMethod) -> PseudoLikelihoodResult:
    """One token a word, as surprising as it is long; whole words harder where they are masked."""
    hard = 1.0 if method == "within_word_l2r" and "unlikely" in body.text else 0.0
    tokens = [
        PllToken(
            id=number,
            text=word,
            start=0,
            end=1,
            logprob=-float(len(word)) - hard,
            rank=len(word),
            entropy=2.0,
            top=[Alternative(number, word, -float(len(word))), Alternative(99, "other", -9.0)],
            normaliser=9.5,
        )
        for number, word in enumerate(body.text.split())
    ]
    return PseudoLikelihoodResult(
        model=body.model,
        method=method,
        text=body.text,
        tokens=tokens,
        total=sum(token.logprob for token in tokens),
        precision=_form(body),
    )


def _form(body: Continue | Fill | PseudoLikelihood | Score) -> Precision:
    """Here int4 is always near enough."""
    return "int4" if body.precision == "auto" else body.precision


def _results(body: Score) -> list[Event]:
    """The first model has a next-sentence head, those beside it are causal."""
    shuffled = Shuffled(unit="words", times=body.shuffles, percentile=95.0)
    first = structs.replace(_scored(body), shuffled=shuffled if body.shuffles else None)
    found: list[Event] = [first, CosineResult(model=body.model, cosine=0.5)]
    found += [mutual(each.model) for each in body.beside]
    return [*found, Verdict(topic="same", order="reverse" if body.beside else None)]


def mutual(name: str) -> PmiResult:
    """A causal model's word: the first token of B is likelier after A, the second less likely."""
    there = [ScoredToken(11, "It", -1.0, -5.0), ScoredToken(12, " is", -2.0, -1.0)]
    back = [ScoredToken(13, "What", -1.0, -9.0), ScoredToken(14, "?", None, None)]
    return PmiResult(
        model=name,
        bits=4.3,
        bits_per_token=2.15,
        logprob_conditional=-3.0,
        logprob_alone=-6.0,
        tokens=there,
        reversed=PmiDirection(11.5, 5.75, -1.0, -9.0, back),
        join=" ",
        start="<s>",
    )


def _scored(body: Score) -> NspResult:
    tokens = pieces(f"{body.a} {body.b}", pair=10 + len(body.a.split()))
    return NspResult(
        model=body.model,
        probability=0.9375,
        logits=(1.5, -1.25),
        margin=2.75,
        reversed=NspDirection(probability=0.25, logits=(0.0, 1.125), margin=-1.125),
        tokens=tokens,
        attention_mask=[1] * len(tokens),
        precision=_form(body),
    )


def _document(body: Document) -> list[Event]:
    """Sentences end at full stops; one scores as high as its length less the other's."""
    written = body.text if isinstance(body.text, list) else _sentences(body.text)
    if len(written) < 2:
        return [Error(kind="bad_request", message="The text has 1 sentence.", hint="Write more.")]
    count = len(written)

    def score(first: int, second: int) -> float:
        return float(len(written[second]) - len(written[first]))

    gaps = [
        Gap(
            forward=Witness(nsp_margin=score(at, at + 1)),
            backward=Witness(nsp_margin=score(at + 1, at)),
            score=score(at, at + 1),
            depth=1.0,
        )
        for at in range(count - 1)
    ]
    mean = score(0, count - 1) / (count - 1)
    result = DocumentResult(
        model=body.model,
        witness="nsp_margin",
        sentences=[Sentence(each, 0, len(each)) for each in written],
        gaps=gaps,
        coherence=mean,
        threshold=0.5,
        boundaries=[0],
        reference=[1] if body.reference is None else body.reference,
        pk=0.25,
        window_diff=0.5,
        window=1,
    )
    events: list[Event] = [result]
    if body.matrix:
        pairs = [(one, other) for one in range(count) for other in range(count) if one != other]
        cells = [Cell(one, other, score(one, other)) for one, other in pairs]
        events += [MatrixCells(cells[:4], len(cells)), MatrixCells(cells[4:], len(cells))]
    shortest_first = sorted(range(count), key=lambda at: len(written[at]))
    if body.shuffles or body.place is not None or body.order:
        arranged = Arranged(
            percentile=75.0 if body.shuffles else None,
            shuffles=body.shuffles,
            places=[] if body.place is None else [float(at) for at in range(count)],
            order=shortest_first if body.order else [],
            exact=True,
        )
        events.append(arranged)
    return events


def _sentences(text: str) -> list[str]:
    return [part.strip() + "." for part in text.split(".") if part.strip()]


def make(
    tmp_path: Path, engine: TaskEngine | None = None, settings: Settings | None = None
) -> TsuzukiApp:
    loaded = Loaded(tmp_path / "settings.yaml", Settings() if settings is None else settings)
    engine = TaskEngine() if engine is None else engine
    return TsuzukiApp(loaded, engine.connect, tmp_path / "history.sqlite3")


@asynccontextmanager
async def running(app: TsuzukiApp, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[None]]:
    """The app, once it knows its models and its last session."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: bool(app.link.models) and app.settled)
        yield pilot


def pane(app: TsuzukiApp) -> TaskPane:
    return app.row.current


async def answered(pilot: Pilot[None], app: TsuzukiApp, count: int = 1) -> None:
    """Wait until this many cards of the pane show their whole answer."""
    here = pane(app)
    await until(
        pilot,
        lambda: (
            len(here.transcript.cards) == count
            and not here.cards.runs.live
            and all(card.status != "running" for card in here.transcript.cards)
        ),
    )
