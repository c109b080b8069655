"""The tokenizer classes of transformers: which one reads a folder, and its defaults.

From TOKENIZER_MAPPING_NAMES and `AutoTokenizer.from_pretrained` (models/auto/tokenization_auto.py)
and the `__init__` of each class. A test compares these tables with the installed transformers.
"""

from __future__ import annotations

from msgspec import Struct


class TokenSpec(Struct, frozen=True):
    """A special token with its options (`AddedToken` in the library)."""

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False
    special: bool = True


_BERT = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
_FAIRSEQ = {
    "bos": "<s>",
    "eos": "</s>",
    "sep": "</s>",
    "cls": "<s>",
    "unk": "<unk>",
    "pad": "<pad>",
    "mask": "<mask>",
}
_ALBERT = {
    "bos": "[CLS]",
    "eos": "[SEP]",
    "unk": "<unk>",
    "sep": "[SEP]",
    "pad": "<pad>",
    "cls": "[CLS]",
    "mask": "[MASK]",
}

DEFAULTS: dict[str, dict[str, str]] = {
    "BertTokenizer": _BERT,
    "BertJapaneseTokenizer": _BERT,
    "MPNetTokenizer": {**_FAIRSEQ, "unk": "[UNK]"},
    "RobertaTokenizer": _FAIRSEQ,
    "AlbertTokenizer": _ALBERT,
    "BigBirdTokenizer": {**_ALBERT, "bos": "<s>", "eos": "</s>"},
    "DebertaV2Tokenizer": {**_BERT, "bos": "[CLS]", "eos": "[SEP]"},
    "XLMRobertaTokenizer": _FAIRSEQ,
    "CamembertTokenizer": _FAIRSEQ,
    "MBartTokenizer": _FAIRSEQ,
    "MBart50Tokenizer": {role: name for role, name in _FAIRSEQ.items() if role != "bos"},
    "XGLMTokenizer": {role: name for role, name in _FAIRSEQ.items() if role != "mask"},
    "GPT2Tokenizer": dict.fromkeys(("bos", "eos", "unk"), "<|endoftext|>"),
    "LlamaTokenizer": {"bos": "<s>", "eos": "</s>", "unk": "<unk>"},
    "Qwen2Tokenizer": dict.fromkeys(("eos", "pad", "unk"), "<|endoftext|>"),
    "T5Tokenizer": {"eos": "</s>", "unk": "<unk>", "pad": "<pad>"},
}
"""The supported classes, and the default token of each for every role."""

GREEDY_MASKS = frozenset(
    (
        *("BigBirdTokenizer", "CamembertTokenizer", "MBartTokenizer", "MBart50Tokenizer"),
        "MPNetTokenizer",
    )
)
"""Classes whose mask includes the space before it by default."""

SAME = {
    **dict.fromkeys(
        (
            *("DistilBertTokenizer", "ElectraTokenizer", "ConvBertTokenizer", "LxmertTokenizer"),
            *("MobileBertTokenizer", "SqueezeBertTokenizer", "DPRReaderTokenizer"),
            *("DPRQuestionEncoderTokenizer", "DPRContextEncoderTokenizer"),
            *("LayoutLMTokenizer", "RetriBertTokenizer", "RealmTokenizer", "NezhaTokenizer"),
        ),
        "BertTokenizer",
    ),
    **dict.fromkeys(
        ("BartTokenizer", "LEDTokenizer", "MvpTokenizer", "LongformerTokenizer"),
        "RobertaTokenizer",
    ),
}
"""Classes with the same rules as another."""

BY_MODEL = {
    **dict.fromkeys(
        (
            *("bert", "convbert", "distilbert", "electra", "ernie", "layoutlm", "lxmert"),
            *("megatron-bert", "mobilebert", "nezha", "nomic_bert", "qdqbert", "realm"),
            *("retribert", "squeezebert", "visual_bert"),
        ),
        "BertTokenizer",
    ),
    **dict.fromkeys(
        (
            *("bart", "data2vec-text", "ibert", "led", "lilt", "longformer", "mega", "mra", "mvp"),
            *("roberta", "roberta-prelayernorm"),
        ),
        "RobertaTokenizer",
    ),
    **dict.fromkeys(
        ("codegen", "dbrx", "gpt2", "gpt_neo", "gptj", "jais2", "opt", "phi", "starcoder2"),
        "GPT2Tokenizer",
    ),
    **dict.fromkeys(
        ("falcon_mamba", "gpt_neox", "mamba", "mamba2", "mpt", "olmo", "olmoe", "rwkv", "xlstm"),
        "GPTNeoXTokenizer",
    ),
    **dict.fromkeys(("qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "qwen3_next"), "Qwen2Tokenizer"),
    **dict.fromkeys(("albert", "nystromformer", "yoso"), "AlbertTokenizer"),
    **dict.fromkeys(
        ("gte", "jina_embeddings_v3", "trocr", "xlm-roberta", "xlm-roberta-xl", "xmod"),
        "XLMRobertaTokenizer",
    ),
    **dict.fromkeys(
        (
            *("gemma", "gemma2", "gemma3", "gemma3_text", "gemma3n", "gemma3n_text"),
            *("recurrent_gemma", "t5gemma", "zaya"),
        ),
        "GemmaTokenizer",
    ),
    **dict.fromkeys(("cohere", "cohere2"), "CohereTokenizer"),
    **dict.fromkeys(("mt5", "switch_transformers", "t5", "umt5"), "T5Tokenizer"),
    **dict.fromkeys(("nllb", "nllb-moe"), "NllbTokenizer"),
    "barthez": "BarthezTokenizer",
    "bartpho": "BartphoTokenizer",
    "bert-generation": "BertGenerationTokenizer",
    "bert-japanese": "BertJapaneseTokenizer",
    "bertweet": "BertweetTokenizer",
    "big_bird": "BigBirdTokenizer",
    "biogpt": "BioGptTokenizer",
    "blenderbot": "BlenderbotTokenizer",
    "blenderbot-small": "BlenderbotSmallTokenizer",
    "camembert": "CamembertTokenizer",
    "canine": "CanineTokenizer",
    "code_llama": "CodeLlamaTokenizer",
    "cpm": "CpmTokenizer",
    "cpmant": "CpmAntTokenizer",
    "ctrl": "CTRLTokenizer",
    "deberta": "DebertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "esm": "EsmTokenizer",
    "esmc": "EsmcTokenizer",
    "flaubert": "FlaubertTokenizer",
    "fnet": "FNetTokenizer",
    "fsmt": "FSMTTokenizer",
    "funnel": "FunnelTokenizer",
    "gpt-sw3": "GPTSw3Tokenizer",
    "gpt_neox_japanese": "GPTNeoXJapaneseTokenizer",
    "herbert": "HerbertTokenizer",
    "luke": "LukeTokenizer",
    "m2m_100": "M2M100Tokenizer",
    "marian": "MarianTokenizer",
    "mbart": "MBartTokenizer",
    "mbart50": "MBart50Tokenizer",
    "mluke": "MLukeTokenizer",
    "mpnet": "MPNetTokenizer",
    "openai-gpt": "OpenAIGPTTokenizer",
    **dict.fromkeys(("bigbird_pegasus", "pegasus", "pegasus_x"), "PegasusTokenizer"),
    "phobert": "PhobertTokenizer",
    "plbart": "PLBartTokenizer",
    "prophetnet": "ProphetNetTokenizer",
    "reformer": "ReformerTokenizer",
    "rembert": "RemBertTokenizer",
    "roc_bert": "RoCBertTokenizer",
    "roformer": "RoFormerTokenizer",
    "splinter": "SplinterTokenizer",
    "tapas": "TapasTokenizer",
    "qwen3_5_text": "Qwen3_5Tokenizer",
    "xglm": "XGLMTokenizer",
    "xlm": "XLMTokenizer",
    "xlnet": "XLNetTokenizer",
}
"""The class for each model type whose files do not name one."""

AS_WRITTEN = frozenset(
    (
        *("arctic", "aria", "bigbird_pegasus", "chatlm", "ernie4_5", "ernie4_5_moe", "flex_olmo"),
        *("fuyu", "glm", "glm4", "glm4_moe", "glm4_moe_lite", "gpt_bigcode", "granite"),
        *("granitemoe", "granitemoehybrid", "granitemoeshared", "hyperclovax", "internlm2"),
        *("internlm3", "iquestcoder", "jamba", "kimi_linear", "mimo_v2_flash", "minicpm3"),
        *("minimax_m2", "ministral", "ministral3", "mistral", "mixtral", "modernbert"),
        *("modernbert-decoder", "nemotron", "nystromformer", "olmo2", "olmo3", "olmo_hybrid"),
        *("opencua", "pegasus_x", "persimmon", "phi3", "phimoe", "stablelm", "umt5"),
        "xlm-roberta-xl",
    )
)
"""Model types whose tokenizer.json or tokenizer.model transformers reads unchanged, whatever class
their files name."""

CORRECTED = {
    "qwen2": "Qwen2Tokenizer",
    **dict.fromkeys(("qwen3_5", "qwen3_5_moe", "qwen3_5_moe_text"), "Qwen3_5Tokenizer"),
}
"""Model types whose class is this one, whatever their files name
(MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS)."""

UNIGRAM = frozenset(
    (
        *("AlbertTokenizer", "BigBirdTokenizer", "CamembertTokenizer", "DebertaV2Tokenizer"),
        *("MBartTokenizer", "MBart50Tokenizer", "XGLMTokenizer", "XLMRobertaTokenizer"),
    )
)
"""Classes that use the pieces of a sentencepiece file with their own rules."""

OWN_SENTENCEPIECE = frozenset(
    (
        *("BarthezTokenizer", "BartphoTokenizer", "CpmTokenizer", "FNetTokenizer"),
        *("GPTSw3Tokenizer", "LasrTokenizer", "LayoutXLMTokenizer", "M2M100Tokenizer"),
        *("MLukeTokenizer", "MarianTokenizer", "NllbTokenizer", "PLBartTokenizer"),
        *("ParakeetTokenizer", "PegasusTokenizer", "Pop2PianoTokenizer", "Qwen3_5Tokenizer"),
        *("ReformerTokenizer", "RemBertTokenizer", "SeamlessM4TTokenizer", "Siglip2Tokenizer"),
        *("SiglipTokenizer", "Speech2TextTokenizer", "SpeechT5Tokenizer", "Tipsv2Tokenizer"),
        *("UdopTokenizer", "VideoPrismTokenizer", "XLNetTokenizer"),
    )
)
"""Classes that number, normalise or frame the pieces of a sentencepiece file in ways that are not
supported (transformers itself loses the frames of FNet and RemBERT)."""
