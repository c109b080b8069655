"""What a command line asks for, as typed structs: `args` fills them, the `run_` modules obey.

A `model` of None is that of a pane, as the settings name it.
"""

from __future__ import annotations

from msgspec import Struct

from engine.messages import JointMethod, PllMethod, Precision, PrecisionChoice, WitnessName


class Command(Struct, frozen=True, kw_only=True):
    """What every command takes."""

    config: str | None = None
    verbose: bool = False


class OpenApp(Command, frozen=True, kw_only=True):
    """`tsuzuki` alone."""

    model: str | None = None
    precision: PrecisionChoice | None = None
    theme: str | None = None


class TextCommand(Command, frozen=True, kw_only=True):
    """What every command on one text takes: the text in one of three ways."""

    text: str | None = None
    """As a word of the command line, which must not look like the name of a file."""
    literal: str | None = None
    """With --text: as it is, whatever it looks like."""
    file: str | None = None


class ContinueCommand(TextCommand, frozen=True, kw_only=True):
    """`tsuzuki continue`. None leaves a value to its default."""

    model: str | None = None
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


class FillCommand(TextCommand, frozen=True, kw_only=True):
    """`tsuzuki fill`; `mask` holds the numbers of the words to hide, from 1."""

    model: str | None = None
    precision: PrecisionChoice = "exact"
    top: int | None
    mask: list[int]
    words: str | None
    pieces: int | None
    joint: list[JointMethod]
    json: bool


class PllCommand(TextCommand, frozen=True, kw_only=True):
    """`tsuzuki pll`."""

    model: str | None = None
    precision: PrecisionChoice = "exact"
    method: PllMethod = "original"
    json: bool


class PairsCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki pairs`; `method` is for a masked model."""

    file: str
    model: str | None = None
    precision: PrecisionChoice = "exact"
    method: PllMethod | None = None
    json: bool


class ScoreCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki score`: two texts, or a file of pairs."""

    a: str | None
    b: str | None
    literal: list[str]
    """With --text: both texts as they are."""
    file: str | None
    model: str | None = None
    beside: list[str] = []
    cosine: bool
    shuffles: int | None
    precision: PrecisionChoice = "exact"
    json: bool


class DocumentCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki document`; `reference` names sentences, from 1, with commas between them."""

    file: str
    model: str | None = None
    precision: PrecisionChoice = "exact"
    witness: WitnessName | None
    reference: str | None
    shuffles: int | None
    matrix: bool
    order: bool
    json: bool


class TokensCommand(TextCommand, frozen=True, kw_only=True):
    """`tsuzuki tokens`."""

    model: str | None = None
    json: bool


class SurprisalCommand(TextCommand, frozen=True, kw_only=True):
    """`tsuzuki surprisal`, whose text may also be the name of a file that is there."""

    model: str | None = None
    precision: PrecisionChoice = "exact"
    no_start: bool
    word_boundary: bool
    json: bool


class CompareCommand(TextCommand, frozen=True, kw_only=True):
    """`tsuzuki compare`, with two models; the text as in `SurprisalCommand`."""

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


class ForgetCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki forget`."""

    yes: bool
    json: bool


class DoctorCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki doctor`."""

    network: bool
    json: bool


class BenchCommand(Command, frozen=True, kw_only=True):
    """`tsuzuki bench`."""

    model: str | None = None
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
    | ForgetCommand
    | DoctorCommand
    | BenchCommand
)
