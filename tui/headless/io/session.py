"""One command's conversation with the engine, from its start to its end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from msgspec import structs

from engine.messages import (
    Configure,
    Error,
    Event,
    ListModels,
    ModelInfo,
    Models,
    ModelState,
    Ready,
    Request,
)
from tui.files import paths, system_errors
from tui.headless.command import Command
from tui.headless.io import settings_file
from tui.headless.io.narration import Narrator
from tui.headless.io.output import Output
from tui.strings import text, worded
from tui.terminal.exit_codes import Exit, Failure

if TYPE_CHECKING:
    from engine.client import Engine, EngineState

T = TypeVar("T")


class Session:
    """Asks the engine, and turns its errors into failures of the command."""

    def __init__(self, engine: Engine, *, elsewhere: bool = False) -> None:
        self._engine = engine
        self.elsewhere = elsewhere
        """Whether the engine is on another machine."""
        self.ready: Ready | None = None
        """What the engine said of itself when it began to serve."""

    async def events(self, body: Request) -> AsyncGenerator[Event, None]:
        """The events of one request. Closing the generator cancels it.

        Raises:
            Failure: the engine answered with an error.
        """
        async with aclosing(self._engine.request(body)) as events:
            async for event in events:
                if isinstance(event, Error):
                    raise Failure.from_error(event)
                yield event

    async def ask(self, body: Request, *kinds: type[T]) -> T:
        """The one event, of one of these kinds, that answers a request.

        Raises:
            Failure: the engine answered with an error, or not at all.
        """
        answer: T | None = None
        async with aclosing(self.events(body)) as events:
            async for event in events:
                if isinstance(event, kinds):
                    answer = event
        if answer is None:
            raise Failure(text("cli.no_answer"))
        return answer

    async def find(self, name: str) -> ModelInfo | None:
        """The listed model with this id, path or hub id.

        Raises:
            Failure: the engine answered with an error, or not at all.
        """
        models = (await self.ask(ListModels(), Models)).models
        return next((info for info in models if name in (info.id, info.path, info.origin)), None)


def run(
    command: Command,
    output: Output,
    work: Callable[[Session], Awaitable[Exit]],
    folders: Sequence[str] = (),
) -> Exit:
    """Start the engine, do the work, stop the engine.

    `folders` holds models to list beside those of the settings.

    Ctrl+C, SIGTERM and a closed terminal cancel the work, which may still write what it has.

    Raises:
        Failure: the settings file is not there, or the engine does not start.
        KeyboardInterrupt: Ctrl+C ended the work.
    """
    loaded = settings_file.load(command)
    for problem in loaded.problems:
        output.note(str(problem))
    configure = loaded.settings.configure()
    configure = structs.replace(configure, folders=[*configure.folders, *folders])

    async def asked() -> Exit:
        async with opened(configure, loaded.settings.engine, output) as session:
            return await work(session)

    return interruptible(asked)


def interruptible(work: Callable[[], Coroutine[None, None, Exit]]) -> Exit:
    """Do work that Ctrl+C, SIGTERM and a closed terminal cancel.

    Raises:
        KeyboardInterrupt: Ctrl+C ended it.
    """
    import asyncio
    import signal

    async def main() -> Exit:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "a coroutine runs in a task"
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Ctrl+C needs none: asyncio.run cancels the task by itself.
            loop.add_signal_handler(number, task.cancel)
        return await work()

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        return Exit.INTERRUPTED


@asynccontextmanager
async def opened(
    configure: Configure, elsewhere: str | None, output: Output
) -> AsyncGenerator[Session, None]:
    """An engine while it is used; `elsewhere` is the command that leads to it on another machine.

    Raises:
        Failure: it does not start.
    """
    from engine.client import Engine

    narrator = Narrator()

    def on_event(event: Event) -> None:
        if isinstance(event, ModelState):
            output.status(*narrator.describe(event))
        elif isinstance(event, Ready):
            session.ready = event

    def on_state(state: EngineState, error: Error | None) -> None:
        if state == "silent" and error is not None:
            output.note(worded(error.message, error.hint))

    if problem := paths.log_problem():
        output.note(text("cli.no_log", folder=paths.folder("state"), reason=problem))
    try:
        engine = await Engine.start(
            configure, paths.log_file(), on_event, on_state, revive=False, command=elsewhere
        )
    except OSError as error:
        reason = system_errors.reason(error)
        if elsewhere is not None:
            reason = f"{error.filename}: {reason}"
        raise Failure(text("cli.engine_did_not_start", reason=reason)) from error
    session = Session(engine, elsewhere=elsewhere is not None)
    try:
        yield session
    finally:
        await engine.stop()
