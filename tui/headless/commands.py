"""What a command line asks for, as typed structs: `args` fills them, the `run_` modules obey."""

from __future__ import annotations

from msgspec import Struct

from engine.messages import JointMethod, PllMethod, Precision, PrecisionChoice, WitnessName

CAUSAL = "starter-ja"
MASKED = "starter-en"
"""The bundled models: the defaults, because they are always there."""


class Command(Struct, frozen=True, kw_only=True):
    """What every command takes."""

    config: str | None = None
    verbose: bool = False


class OpenApp(Command, frozen=True, kw_only=True):
    """`tsuzuki` alone."""

    model: str | None = None
    precision: PrecisionChoice | None = None
    theme: str | None = None


class ContinueCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki continue`. None leaves a value to its default."""

    text: str
    model: str = CAUSAL
    precision: PrecisionChoice = "exact"
    max_tokens: int | None
    temperature: float | None
    top_k: int | None
    top_p: float | None
    min_p: float | None
    typical_p: float | None
    repetition_penalty: float | None
    seed: int | None
    branches: int | None
    stop: list[str]
    top: int | None
    nbest: int | None
    greedy: bool
    chat: bool
    system: str | None
    json: bool


class FillCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki fill`; `mask` holds the numbers of the words to hide, from 1."""

    text: str
    model: str = MASKED
    precision: PrecisionChoice = "exact"
    top: int | None
    mask: list[int]
    words: str | None
    pieces: int | None
    joint: list[JointMethod]
    json: bool


class PllCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki pll`."""

    text: str
    model: str = MASKED
    precision: PrecisionChoice = "exact"
    method: PllMethod = "original"
    json: bool


class PairsCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki pairs`; `method` is for a masked model."""

    file: str
    model: str = MASKED
    precision: PrecisionChoice = "exact"
    method: PllMethod = "original"
    json: bool


class ScoreCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki score`: two texts, or a file of pairs."""

    a: str | None
    b: str | None
    file: str | None
    model: str = MASKED
    beside: list[str] = []
    cosine: bool
    shuffles: int | None
    precision: PrecisionChoice = "exact"
    json: bool


class DocumentCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki document`; `reference` names sentences, from 1, with commas between them."""

    file: str
    model: str = MASKED
    precision: PrecisionChoice = "exact"
    witness: WitnessName | None
    reference: str | None
    shuffles: int | None
    matrix: bool
    order: bool
    json: bool


class TokensCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki tokens`."""

    text: str
    model: str = CAUSAL
    json: bool


class SurprisalCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki surprisal`."""

    text: str
    model: str = CAUSAL
    precision: PrecisionChoice = "exact"
    no_start: bool
    word_boundary: bool
    json: bool


class CompareCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki compare`, with two models."""

    text: str
    model: list[str]
    precision: PrecisionChoice = "exact"
    json: bool


class ReplayCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki replay`: of an exported session, or of the one used last."""

    file: str | None
    json: bool


class ModelsList(Command, frozen=True, kw_only=True):
    """`tsuzuki models list`."""

    json: bool


class ModelsInfo(Command, frozen=True, kw_only=True):
    """`tsuzuki models info`."""

    model: str
    measure: bool
    json: bool


class ModelsPull(Command, frozen=True, kw_only=True):
    """`tsuzuki models pull`."""

    model: str
    allow_pickle: bool
    json: bool


class ModelsRemove(Command, frozen=True, kw_only=True):
    """`tsuzuki models remove`."""

    model: str
    json: bool


class DoctorCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki doctor`."""

    network: bool
    json: bool


class BenchCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki bench`."""

    model: str = CAUSAL
    precision: list[Precision] = []
    quick: bool
    json: bool


ModelsCommand = ModelsList | ModelsInfo | ModelsPull | ModelsRemove
AnyCommand = (
    OpenApp
    | ContinueCommand
    | FillCommand
    | PllCommand
    | PairsCommand
    | ScoreCommand
    | DocumentCommand
    | TokensCommand
    | SurprisalCommand
    | CompareCommand
    | ReplayCommand
    | ModelsCommand
    | DoctorCommand
    | BenchCommand
)
