"""Every request and every event that crosses between a front and the engine.

This package is the one contract: nothing else crosses the boundary. It imports neither torch
nor a screen, so both sides can afford it. Requests are complete and stateless: whatever the
engine remembers between two of them is a cache whose loss costs only time.

Units, everywhere: ``logprob``, ``entropy`` and ``margin`` are in nats and belong to the model
before any sampler; ``bits`` are base 2; ``rank`` is 1 + the number of ids with a strictly higher
logit; ``start`` and ``end`` count code points of the text the user gave.
"""

from __future__ import annotations

from msgspec import Raw, Struct

from engine.messages.events import (
    LAST,
    BranchDone,
    Distances,
    Done,
    Error,
    Event,
    FillResult,
    Found,
    Memory,
    Models,
    ModelState,
    NspResult,
    PairScore,
    PmiResult,
    Pong,
    Ready,
    Started,
    Token,
    Tokens,
)
from engine.messages.parts import (
    GREEDY,
    MASK,
    Alternative,
    Candidate,
    Distance,
    Finish,
    Head,
    Hidden,
    MaskFill,
    Match,
    Measured,
    ModelInfo,
    NspDirection,
    Piece,
    PmiDirection,
    Precision,
    PrecisionChoice,
    Role,
    Sampling,
    ScoredToken,
    Source,
    State,
    Timing,
    Turn,
)
from engine.messages.requests import (
    PROTOCOL,
    Cancel,
    Configure,
    Continue,
    Fill,
    Find,
    ListModels,
    Load,
    Measure,
    Ping,
    Pull,
    Remove,
    Request,
    Score,
    ScorePairs,
    Shutdown,
    Tokenize,
    Unload,
)

__all__ = [
    "GREEDY",
    "LAST",
    "MASK",
    "PROTOCOL",
    "Alternative",
    "BranchDone",
    "Cancel",
    "Candidate",
    "Configure",
    "Continue",
    "Distance",
    "Distances",
    "Done",
    "Error",
    "Event",
    "Fill",
    "FillResult",
    "Find",
    "Finish",
    "Found",
    "Frame",
    "Head",
    "Hidden",
    "ListModels",
    "Load",
    "MaskFill",
    "Match",
    "Measure",
    "Measured",
    "Memory",
    "ModelInfo",
    "ModelState",
    "Models",
    "NspDirection",
    "NspResult",
    "PairScore",
    "Piece",
    "Ping",
    "PmiDirection",
    "PmiResult",
    "Pong",
    "Precision",
    "PrecisionChoice",
    "Pull",
    "Ready",
    "Remove",
    "Request",
    "Role",
    "Sampling",
    "Score",
    "ScorePairs",
    "ScoredToken",
    "Shutdown",
    "Source",
    "Started",
    "State",
    "Timing",
    "Token",
    "Tokenize",
    "Tokens",
    "Turn",
    "Unload",
]


class Frame(Struct, frozen=True):
    """One message on the wire: its request's id (0: for everybody) and its encoded body.

    The body stays raw until the id is known, so that a broken body can still be answered.
    """

    id: int
    body: Raw
