"""What happens inside a model, on one text. One file for each question:

    tensors.py      the tensors of a pass, and the answer
    heads.py        every head at a glance
    attention.py    one head: its attention, and its queries, keys and values in numbers
    lens.py         what each layer would answer
    attribution.py  how much each part adds to one word rather than another

    subject.py   the text as it is fed, and where it is answered
    aside.py     passes run on a thread of their own, and their events come as they are ready
    patching.py  what is put in place from another text

A pass is too long for one step of the scheduler, and what it shows is sent while it goes on.
"""

from __future__ import annotations

import time
from typing import assert_never

from engine.messages import (
    Done,
    LookInside,
    ShowAttention,
    ShowAttribution,
    ShowHead,
    ShowHeads,
    ShowLens,
    ShowTensors,
    Timing,
)
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Task
from engine.tasks.inside import attention, attribution, heads, lens, tensors
from engine.tasks.inside.aside import Post, aside
from engine.tasks.inside.subject import open_subject

__all__ = ["run"]


def run(model: LoadedModel, request: LookInside, load_s: float) -> Task:
    """Yield `Opened`, what answers the request, and `Done`.

    Raises:
        EngineError: ``bad_request`` for an empty text, or a layer, head or position that is not
            there; ``too_long``; ``unable`` for what this model cannot show.
    """
    began = time.perf_counter()
    subject = open_subject(model, request)
    yield subject.opened(request)

    def work(post: Post) -> None:
        match request:
            case ShowTensors():
                tensors.show(subject, request, post)
            case ShowHeads():
                heads.show(subject, request, post)
            case ShowAttention():
                attention.show(subject, request, post)
            case ShowHead():
                attention.show_numbers(subject, request, post)
            case ShowLens():
                lens.show(subject, request, post)
            case ShowAttribution():
                attribution.show(subject, request, post)
            case never:
                assert_never(never)

    yield from aside(subject.inside.thread, work)
    yield Done(timing=Timing(load_s=load_s, total_s=time.perf_counter() - began))
