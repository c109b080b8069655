"""The worker process: requests in, events out.

    worker.py     one connection: reads requests, and exits when the front end is gone
    service.py    which task answers which request
    lifecycle.py  models in memory: load, share, count bytes, evict
    stepping.py   how a task takes its steps, as its model needs it
    fidelity.py   measures how far each form of a model is from exact
    processes.py  the child processes that pull models
    pipes.py      the protocol's descriptors, kept apart from what libraries print

It may import every room of the engine. It computes no probability itself.
"""
