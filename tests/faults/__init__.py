"""Faults on purpose: what breaks around the app, and what is lost by it.

    harness.py   `fault`, `Outcome`, the rows of the table
    running.py   the whole app in a pseudo-terminal, one that faults share, what it has saved
    worker.py    the engine's process: killed, stopped, hanging, without memory, at fault
    app.py       the app: killed, hung up on, started twice, resized, pasted into, full
    store.py     the session file: full disk, locked, read-only, damaged, removed
    output.py    a model, a name or a file that holds what a terminal would obey
    inputs.py    texts that no model expects
    models.py    folders and files of models: broken
    frames.py    what the worker sends and gets: frames with wrong bytes
    __main__.py  the long form, `python -m tests.faults`, which prints a table
    streaming.py an hour of answers, and the memory that they take
    test_faults.py  the short form, which pytest runs: once each that is not slow by nature

To add a fault, write a function in the file of its kind (or begin a file and name it in `KINDS`)::

    @fault("the disk is full", short=1, long=20)
    def full_disk(place: Path, rng: random.Random) -> Outcome: ...

It tries the fault once, in an empty folder, with whatever it leaves to chance drawn from `rng`, and
returns what was seen, how many characters were lost and after how many seconds all worked again.
What must not happen, it asserts: the short form then fails, and the long one says so in its table.
With `short=0` it is in the long form alone. What happens while a model writes is best
`running.while_writing`, which shares an app and counts what is lost.
"""

KINDS = ("worker", "app", "store", "output", "inputs", "models", "frames")
"""The files of faults, in the order of the table."""
