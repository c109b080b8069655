"""A fast decoder for the GPT-2, Llama and Gemma 3 families in exact and bf16: weights fused and
packed once, at load. Their quantised forms are in `engine.runtime.graph`.

    families.py  the shape of a model, read from its configuration
    shapes.py    the shape, kept in the store
    weights.py   tensors from safetensors files, each checked for its shape
    linear.py    a matrix in fp32 or bf16
    cache.py     keys and values: one block for all layers, prefixes shared by branches
    decoder.py   the step itself
    loading.py   from a folder to a decoder

A model whose configuration `families` does not support runs on `engine.runtime.generic`.
"""
