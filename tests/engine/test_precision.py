from __future__ import annotations

from dataclasses import replace

import pytest

from engine import precision
from engine.errors import EngineError
from tests.support.fake_models import loaded
from tui.strings import worded


def test_every_model_can_be_exact_and_only_packed_ones_anything_else() -> None:
    assert precision.forms("llama") == ("exact", "bf16", "int8", "int4")
    assert precision.forms("bert") == precision.forms("") == ("exact",)


def test_an_embedding_that_is_the_output_layer_too_is_there_twice() -> None:
    apart = replace(loaded(None).files, model_type="gpt2", memory=1000)
    both = replace(apart, tied=600)
    expected: dict[precision.Form, int] = {"exact": 630, "bf16": 315, "int8": 0, "int4": 0}
    for form, more in expected.items():
        found = [precision.estimated_bytes(files, form) for files in (apart, both)]
        assert found[1] - found[0] == more


def test_a_form_it_cannot_have_is_refused_with_what_to_do() -> None:
    files = loaded(None).files
    assert precision.estimated_bytes(files, "exact") == files.memory
    with pytest.raises(EngineError) as caught:
        precision.estimated_bytes(files, "int8")
    assert caught.value.event.kind == "unable"
    assert "int8" in worded(caught.value.event.message)
    assert "exact" in worded(caught.value.event.hint)
