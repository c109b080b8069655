"""How some classes number the pieces of a sentencepiece file.

fairseq put its own special tokens before the pieces, and their ids differ by class
(`convert_from_spm` in transformers' convert_slow_tokenizer.py; for XGLM `vocab` there, since its
class no longer reads the file).
"""

from __future__ import annotations

from engine.tokenization.files import TokenizerFiles
from engine.tokenization.pieces import Pieces

MBART_LANGUAGES = (
    *("ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX", "gu_IN", "hi_IN"),
    *("it_IT", "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP", "nl_XX", "ro_RO"),
    *("ru_RU", "si_LK", "tr_TR", "vi_VN", "zh_CN"),
)
MBART50_LANGUAGES = (
    *MBART_LANGUAGES,
    *("af_ZA", "az_AZ", "bn_IN", "fa_IR", "he_IL", "hr_HR", "id_ID", "ka_GE", "km_KH", "mk_MK"),
    *("ml_IN", "mn_MN", "mr_IN", "pl_PL", "ps_AF", "pt_XX", "sv_SE", "sw_KE", "ta_IN", "te_IN"),
    *("th_TH", "tl_XX", "uk_UA", "ur_PK", "xh_ZA", "gl_ES", "sl_SI"),
)
_MARKS = {
    "MBartTokenizer": MBART_LANGUAGES,
    "MBart50Tokenizer": MBART50_LANGUAGES,
    "XGLMTokenizer": tuple(f"<madeupword{number}>" for number in range(7)),
}


def marks(family: str) -> tuple[str, ...]:
    """Special tokens of a class that come after the pieces: languages, and made-up words that pad
    the embedding table."""
    return _MARKS.get(family, ())


def laid_out(files: TokenizerFiles, pieces: Pieces) -> tuple[list[tuple[str, float]], int]:
    """The vocabulary of the folder's class, as pieces with scores, and the unknown piece's id."""

    def named(role: str) -> str:
        spec = files.special(role)
        return spec.content if spec is not None else f"<{role}>"

    family = files.family
    first = [named("bos"), named("pad"), named("eos"), named("unk")]
    skipped, last = 3, [*marks(family), named("mask")]
    if family == "CamembertTokenizer":
        first = ["<s>NOTUSED", named("pad"), "</s>NOTUSED", named("unk"), "<unk>NOTUSED"]
        skipped = 1
    elif family == "MBart50Tokenizer":
        first[0] = named("cls")
    elif family == "XGLMTokenizer":
        last = list(marks(family))
    elif family not in ("XLMRobertaTokenizer", "MBartTokenizer"):
        return pieces.scored, pieces.unknown
    # CamemBERT's file begins with its own unknown piece, which no text may be encoded to.
    before = [(piece, -100.0 if piece == "<unk>NOTUSED" else 0.0) for piece in first]
    after = [(piece, 0.0) for piece in last]
    return [*before, *pieces.scored[skipped:], *after], first.index(named("unk"))
