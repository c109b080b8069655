"""The quantised forms of the packed families: one ONNX graph a model, run by ONNX Runtime.

    nodes.py      a graph while it is put together
    matrices.py   a matrix in groups of 4 or 8 bits, and the nodes that multiply by it
    outliers.py   the channels that are not rounded
    tables.py     the table of token vectors, which is looked up, not multiplied
    norms.py      the nodes that normalise
    attention.py  the nodes of attention, and what they read besides the weights
    building.py   the nodes of a whole model
    session.py    running a graph on keys and values that are ours
    stored.py     the parts of a form, kept in the store
    decoder.py    the runtime
    loading.py    from a folder to a runtime

The shape of a model, its weights and the memory of its keys and values are those of
`engine.runtime.packed`, whose forms are exact and bf16.
"""
