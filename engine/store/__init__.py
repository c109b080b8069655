"""Models on disk, looked at without loading a weight.

    store.py       where a model's files are, and what state they are in
    catalog.py     the models that are known by name (catalog.yaml)
    checkpoint.py  a folder in transformers layout
    heads.py       which heads its weight files hold
    config_sizes.py  whether the sizes in a configuration can be those of a model
    gguf_files.py  the parts of a GGUF model
    manifest.py    what a pulled folder must hold, with hashes
    artifacts.py   what is computed from weights once and kept
    distances.py   how far each form was measured to be from exact

It imports neither PyTorch nor transformers, so that listing models is quick, and never writes into
a folder of the user's.
"""
