"""A fast decoder for the GPT-2 and Llama families: weights fused and packed once, at load.

    families.py   what a configuration says about the shape of a model, and where its tensors are
    weights.py    tensors out of safetensors files, each checked for its shape
    linear.py     the forms that a matrix can take: fp32, bf16, and grouped 8 and 4 bits
    embedding.py  the table of token vectors, in the same forms
    cache.py      keys and values: one block for all layers, prefixes shared by branches
    decoder.py    the step itself
    loading.py    from a folder to a decoder

A model whose configuration goes beyond what `families` knows runs on `engine.runtime.generic`.
"""
