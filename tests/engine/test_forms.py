from __future__ import annotations

import pytest

from engine import forms
from engine.errors import EngineError
from tests.engine.fakes import loaded


def test_every_model_can_be_exact_and_only_packed_ones_anything_else() -> None:
    assert forms.forms("llama") == ("exact", "bf16", "int8", "int4")
    assert forms.forms("bert") == forms.forms("") == ("exact",)


def test_a_form_it_cannot_have_is_refused_with_what_to_do() -> None:
    files = loaded(None).files
    assert forms.memory(files, "exact") == files.memory
    with pytest.raises(EngineError) as caught:
        forms.memory(files, "int8")
    assert caught.value.event.kind == "unable"
    assert "int8" in caught.value.event.message
    assert "exact" in caught.value.event.hint
