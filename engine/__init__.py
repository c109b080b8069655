"""Everything about models. Runs in a process of its own, the worker, and knows no screen.

    __main__.py    `python -P -m engine` is the worker
    client.py      the front's side: starts the worker, watches it, starts it again
    wire.py        messages as frames on a byte stream
    messages/      every request and event, with units: the one contract with the front
    errors.py      a failure that a person reads
    scheduler.py   takes one step of each task in turn; a task is a generator of events
    interfaces.py  the protocols that the rooms hand to each other: tokenizer, runtime, files
    precision.py   which forms the weights of a model can take in memory
    finite.py      no infinite figure, and none that is no number, leaves the engine
    json_files.py  small files that may be anything, read with what is wrong in words

    server/        the worker: reads requests, runs tasks, keeps models within a budget
    tasks/         one file for each thing that can be asked for
    decoding/      from a prompt to the next token: sampling, stopping, look-up
    runtime/       models in memory, how they take a step, and what they keep of a text
    tokenization/  text <-> pieces <-> ids
    text/          what is known of a text without a model: sentences, topics, languages
    pull/          the child process that fetches and converts models
    store/         models on disk
    machine/       memory, devices and the thread that loads
    bench/         this engine beside its peers
    starter/       the bundled models

A request comes in through `server.worker`, becomes a generator in `server.service`, which finds the
model through `server.lifecycle` and runs a file of `tasks/`. Rooms import only rooms below them in
this order, which the contracts in `pyproject.toml` hold: server, tasks and pull, decoding, runtime,
tokenization and text, store, machine. PyTorch and transformers are imported by the worker alone.
"""
