"""Everything about models. Runs in its own process, the worker, and has no user interface.

    __main__.py    `python -P -m engine` is the worker
    wire.py        messages as frames on a byte stream
    messages/      every request and event, with units: the one contract with the front
    errors.py      failures that are shown to the user
    scheduler.py   runs tasks round-robin, one step at a time; a task is a generator of events
    interfaces.py  the protocols shared by the rooms: tokenizer, runtime, files
    precision.py   the precisions in which a model's weights can be loaded
    finite.py      refuses answers that contain NaN or infinity
    json_files.py  reads small untrusted JSON files, with readable error messages

    client/        the front end's side: starts, watches and restarts the worker
    server/        the worker: reads requests, runs tasks, keeps models within a budget
    tasks/         one file for each kind of request
    decoding/      from a prompt to the next token: sampling, stopping, look-up
    runtime/       models in memory: forward passes and caches
    tokenization/  text <-> pieces <-> ids
    text/          text analysis that needs no model: sentences, topics, languages
    pull/          the child process that fetches and converts models
    store/         models on disk
    machine/       memory, devices and the loader thread
    bench/         benchmarks against other engines
    starter/       the bundled models

A request comes in through `server.worker`, becomes a generator in `server.service`, which finds the
model through `server.lifecycle` and runs a file of `tasks/`. A room imports only rooms after it in
this order: server, tasks and pull, decoding, runtime, tokenization and text, store, machine. The
contracts in `pyproject.toml` enforce it. Only the worker imports PyTorch and transformers.
"""
