"""A fast decoder for the GPT-2 and Llama families: weights fused and packed once, at load.

    families.py   the shape of a model, read from its configuration
    weights.py    tensors from safetensors files, each checked for its shape
    linear.py     the forms of a matrix: fp32, bf16, and grouped 8 and 4 bits
    embedding.py  the table of token vectors, in the same forms
    cache.py      keys and values: one block for all layers, prefixes shared by branches
    decoder.py    the step itself
    loading.py    from a folder to a decoder

A model whose configuration `families` does not support runs on `engine.runtime.generic`.
"""
