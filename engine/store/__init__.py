"""Models on disk, inspected without loading weights.

    store.py         from a name to a model's files; removing and adopting folders
    place.py         where one model is, and what its files say
    listing.py       what a list of models shows of one
    catalog.py       the models in the catalogue (catalog.yaml)
    checkpoint.py    a folder in transformers layout
    heads.py         which heads its weight files contain
    config_sizes.py  whether the sizes in a configuration are possible
    gguf_files.py    the parts of a GGUF model
    ngram_files.py   n-gram models: a text and an order
    manifest.py      the files of a pulled folder, with hashes
    artifacts.py     files computed from the weights
    distances.py     the measured distance of each form from exact
    servers.py       models that servers run: their names, and what is known of them

It imports neither PyTorch nor transformers, so that listing models is quick, and never writes into
the user's own folders.
"""
