"""The worker process: requests in, events out.

    worker.py     one connection: reads requests, and ends when the front is gone
    service.py    which task answers which request
    lifecycle.py  models in memory: load, share, count bytes, evict
    fidelity.py   how far each form of a model is from exact
    processes.py  the child processes that pull models
    pipes.py      the descriptors of the protocol, kept apart from what libraries print

It may import every room of the engine. It computes no probability itself.
"""
