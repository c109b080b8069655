"""Faults on purpose: what breaks around the app, and what is lost by it.

    harness.py   `fault`, `Outcome`, the whole app in a pseudo-terminal, what it shows and has saved
    store.py     the session file: full disk, locked, damaged, removed
    app.py       the app: killed, hung up on, started twice, resized, pasted into, full
    worker.py    the engine's process: killed, stopped, without memory, at fault
    frames.py    what it sends and gets: frames with wrong bytes
    models.py    folders and files of models: broken
    __main__.py  the long form, `python -m tests.faults`, which prints a table
    streaming.py an hour of answers, and the memory that they take
    test_faults.py  the short form, `pytest tests/faults`: each fault a few times

To add a fault, write a function in the file of its kind (or begin a file and name it in `KINDS`)::

    @fault("the disk is full while a model writes", short=1, long=20)
    def full_disk(place: Path, rng: random.Random) -> Outcome: ...

It tries the fault once, in an empty folder, with whatever it leaves to chance drawn from `rng`, and
returns what was seen, how many characters were lost and after how many seconds all worked again.
What must not happen, it asserts: the short form then fails, and the long one says so in its table.
"""

KINDS = ("store", "app", "worker", "frames", "models")
"""The files of faults, in the order of the table."""
