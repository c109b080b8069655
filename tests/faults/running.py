"""The whole app over a bundled model, one that several faults share, and what it has saved."""

from __future__ import annotations

import atexit
import contextlib
import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from functools import cache, wraps
from pathlib import Path
from tempfile import TemporaryDirectory

import engine
from tests.faults.harness import Outcome, Try, fault
from tests.support.terminal import PATIENCE_S, PROGRAM, Terminal, environment
from tui.cards import ContinueCard
from tui.history import Session
from tui.history.database import Database

PROMPT = "東京の街は"
DRAFT = "half a thought"
SETTINGS = "sampling: {temperature: 1, top_p: 0.95, seed: 7}\nmax_tokens: 120\nthreads: 1\n"
"""Long enough to be broken in the middle; the seed makes every run write the same."""
PARAMETERS = "seed 7 · 120 tokens"
"""What the composer's frame then says: the app is there."""
STARTER = Path(engine.__file__).parent / "starter" / "starter-ja"
"""The folder of the model that writes."""
COLUMNS, ROWS = 100, 50
"""Room for the whole of it."""

_OBEDIENT = """
import sys
if sys.orig_argv[-2:] == ["-m", "engine"]:
    import os, signal, subprocess, threading
    from pathlib import Path
    from engine.machine.loader import Loader

    order, submit = Path(os.environ["ORDER"]), Loader.submit
    hang = threading.Event().wait

    def obey(number, frame):
        match order.read_text():
            case "raise":
                raise RuntimeError("on purpose")
            case "hang":
                hang()
            case "print":
                print("noise \\x1b]0;owned\\x07" * 1000, flush=True)
                os.write(1, b"\\x00\\x00\\x00\\x05noise")
                subprocess.run(["echo", "noise"])

    def load(self, job, *arguments):
        held = order.read_text() == "hang in loads"
        return submit(self, (lambda *_: hang()) if held else job, *arguments)

    signal.signal(signal.SIGUSR1, obey)
    Loader.submit = load
"""
"""What every worker of the shared app begins with, so that it can be told to go wrong."""


_OPEN_HANDED = ("sh", "-c", 'umask 0 && exec "$0"')
"""What makes files that others may read, unless told otherwise."""


# ------------------------------------------------------------------------------- the app


@contextlib.contextmanager
def app(place: Path, *before: str, settings: str = SETTINGS, **more: str) -> Iterator[Terminal]:
    """The app in a terminal, with all its folders in `place`; killed at the end if need be.

    The words `before` come before its command; what goes wrong is shown with the last screen.
    """
    file = place / "config" / "settings.yaml"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(settings, encoding="utf-8")
    own = environment(place, PYTHONDONTWRITEBYTECODE="1", **more)  # half a .pyc would outlast us
    terminal = Terminal(own, COLUMNS, ROWS, command=[*before, PROGRAM])
    try:
        with noted(lambda: terminal.text):
            yield terminal
    finally:
        terminal.close()


@contextlib.contextmanager
def noted(screen: Callable[[], str]) -> Iterator[None]:
    """Show what goes wrong with the last screen; the shared app does not go on after it."""
    try:
        yield
    except Exception as error:
        error.add_note(f"The last screen:\n{screen()}")
        stop_running()
        raise


def begin_stream(terminal: Terminal) -> None:
    """Begin a session of its own and have the model write in it."""
    new_session(terminal)
    terminal.press(PROMPT, "enter")
    terminal.wait(PROMPT)
    either(terminal, "writing", "perplexity")  # all of it, where we were not given a turn


def new_session(terminal: Terminal, parameters: str = PARAMETERS) -> None:
    """Begin an empty session, once the app is there."""
    terminal.press("f2")
    terminal.wait(parameters)
    terminal.press("ctrl+n")
    end = time.monotonic() + PATIENCE_S
    while any(each in terminal.text for each in (PROMPT, DRAFT)):  # the example holds the prompt
        assert time.monotonic() < end, "no new session began"
        terminal.read()


def watch(terminal: Terminal, seconds: float) -> None:
    """Take in what the app draws for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        terminal.read()


def either(terminal: Terminal, *texts: str) -> str:
    """Read until one of these texts is on the screen; return which."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        terminal.read()
        for each in texts:
            if each in terminal.text:
                return each
    raise AssertionError(f"none of {texts} appeared")


def type_text(terminal: Terminal, written: str) -> None:
    """Type and wait until it is on the screen."""
    terminal.press(written)
    terminal.wait(written)


def leave(terminal: Terminal) -> None:
    """End the app as a person does."""
    terminal.press("ctrl+q")
    assert terminal.ended() == 0


# ------------------------------------------------------------------------- the shared app


class Running:
    """An app that faults share, one after the other, each in a session of its own."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="tsuzuki-fault-")
        self.place = Path(self._folder.name)
        (self.place / "path").mkdir()
        (self.place / "path" / "sitecustomize.py").write_text(_OBEDIENT, encoding="utf-8")
        self._order = self.place / "order"
        self._order.write_text("")
        self._open = contextlib.ExitStack()
        self.seen: set[str] = set()
        """The sessions of faults that are over."""
        self.since = 0.0
        """When all that broke was there again: what happens after it is recovery."""
        self.start()
        self.terminal.wait(PARAMETERS)

    def start(self) -> None:
        """Start the app, for the first time or again."""
        self._open.close()
        path = str(self.place / "path")
        self.terminal = self._open.enter_context(
            app(self.place, *_OPEN_HANDED, PYTHONPATH=path, ORDER=str(self._order))
        )

    def order(self, what: str) -> None:
        """Have the worker go wrong."""
        self._order.write_text(what)

    def over(self) -> None:
        """Begin to count the seconds of the recovery."""
        self.since = time.monotonic()

    def close(self) -> None:
        """End it, and remove its folders."""
        self._open.close()
        self._folder.cleanup()


_running: list[Running] = []
"""The shared app, if it runs."""


def running() -> Running:
    """The shared app, started if it is not there."""
    if not _running:
        _running.append(Running())
    return _running[0]


@atexit.register
def stop_running() -> None:
    """End the shared app, if it runs."""
    while _running:
        _running.pop().close()


def while_writing(
    name: str, *, short: int = 1, long: int = 10
) -> Callable[[Callable[[Running, random.Random], str]], Try]:
    """Make a function one of the faults that happen while a model writes and a person has typed.

    It gets the shared app after a random part of the answer and returns what was seen. Nothing of
    the answer or the draft may be missing then, and the next request must be answered: it counts as
    recovered when that answer's first letters are on the screen.
    """

    def register(attempt: Callable[[Running, random.Random], str]) -> Try:
        @wraps(attempt)
        def whole(place: Path, rng: random.Random) -> Outcome:
            here = running()
            with noted(lambda: here.terminal.text):
                expected = len("".join(whole_answer().split()))
                here.seen |= {each.id for each in sessions(here.place, here.seen)}
                begin_stream(here.terminal)
                type_text(here.terminal, DRAFT)
                wait_for_part(here.terminal, rng.randint(1, expected * 3 // 4))
                here.over()
                seen = attempt(here, rng)
                missing = _missing(here)
                begin_stream(here.terminal)
                wait_for_part(here.terminal, 1)
            return Outcome(seen, missing, time.monotonic() - here.since)

        return fault(f"{name} while a model writes", short=short, long=long)(whole)

    return register


def wait_for_part(terminal: Terminal, characters: int) -> None:
    """Read until so much of the answer is on the screen."""
    end = time.monotonic() + PATIENCE_S
    while shown(terminal) < characters:
        assert time.monotonic() < end, "the model does not write"
        terminal.read()


def _missing(here: Running) -> int:
    """How many characters do not get into the sessions that are new, however long it takes."""
    on_screen, end = shown(here.terminal), time.monotonic() + PATIENCE_S
    while True:
        new = sessions(here.place, here.seen)
        missing = sum(lost(on_screen, each) for each in new) if new else on_screen + len(DRAFT)
        if not missing or time.monotonic() > end:
            return missing
        here.terminal.read()


@cache
def whole_answer() -> str:
    """What the model writes when nothing breaks."""
    here = running()
    begin_stream(here.terminal)
    here.terminal.wait("120 tokens · ", "perplexity")
    end = time.monotonic() + PATIENCE_S
    while saved(here.place).cards[-1].status != "done":
        assert time.monotonic() < end, "the answer is not saved"
    return answer(saved(here.place))


def shown(terminal: Terminal) -> int:
    """How many characters of the answer are on the screen, blanks left out."""
    screen = "".join(terminal.text.split())
    at = screen.find(PROMPT)
    found = screen[at + len(PROMPT) :] if at >= 0 else ""
    expected = "".join(whole_answer().split())
    pairs = enumerate(zip(expected, found, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(expected), len(found)))


# ------------------------------------------------------------------------------- the file


def history_file(place: Path) -> Path:
    """Where the app keeps its sessions."""
    return place / "state" / "history.sqlite3"


def sessions(place: Path, but: Collection[str] = ()) -> list[Session]:
    """The sessions with anything in them but for some, the one written to last first."""
    with closing(Database(history_file(place))) as database:
        ids = [each.id for each in database.sessions() if each.id not in but]
        return [found for each in ids if (found := database.session(each)) is not None]


def saved(place: Path) -> Session:
    """The session written to last."""
    return sessions(place)[0]


def not_kept(here: Running, written: str) -> int:
    """How much of a text gets neither into a card that has ended nor into the draft."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        session = saved(here.place)
        cards = [card for card in session.cards if isinstance(card, ContinueCard)]
        ended = any(card.prompt == written and card.status != "running" for card in cards)
        draft = session.drafts.get("continue")
        if ended or (draft is not None and draft.text == written):
            return 0
        here.terminal.read()  # an app that cannot draw waits
    return len(written)


def answer(session: Session) -> str:
    """What the model wrote in a session."""
    cards = [card for card in session.cards if isinstance(card, ContinueCard)]
    return "".join(card.answer for card in cards)


def lost(on_screen: int, session: Session, draft: str = DRAFT) -> int:
    """How many of the characters of the answer on the screen, and of the draft, are not saved."""
    kept = "".join(answer(session).split())
    whole = "".join(whole_answer().split())
    asked = [card.wrote for card in session.cards]
    assert whole.startswith(kept), f"what is saved for {asked} is not what was written: {kept}"
    written = session.drafts["continue"].text if "continue" in session.drafts else ""
    return max(0, on_screen - len(kept)) + (0 if written == draft else len(draft))
