"""Shards scored on a cluster of Ray's, each actor with a copy of the model.

Ray Data gives every shard to an actor that is free, and again to another where a machine is lost.
What comes back is stored here, in the order in which it comes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from tui import strings
from tui.headless.io.output import Output
from tui.headless.io.session import Session, opened
from tui.headless.shards.folder import Folder
from tui.headless.shards.judging import Judge, ScoredRows, score
from tui.headless.shards.pace import Pace
from tui.headless.shards.places import Cluster, configured
from tui.headless.shards.pool import PAUSES_S
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure

if TYPE_CHECKING:
    from tui.config.settings import Settings

REACHED_S = 5.0
"""How long the head of a cluster may take to answer; Ray itself would try for half a minute."""

Row = TypeVar("Row")
Batch = dict[str, Any]
"""Of one shard: columns of one value each."""


def run(
    cluster: Cluster,
    copies: int | None,
    settings: Settings,
    folder: Folder,
    judge: Judge[Row],
    rows: Sequence[Row],
    pace: Pace,
) -> Exit:
    """Score all shards that are missing on so many copies of the model, by default one a machine.

    Raises:
        Failure: Ray is not installed, its head is not reached, or a shard cannot be scored or
            stored.
        KeyboardInterrupt: Ctrl+C ended it.
    """
    _set_up(cluster)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise Failure(text("shards.no_ray"), text("shards.no_ray_hint")) from error
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with _joined(cluster), _interrupted():
        copies = copies or sum(node["Alive"] for node in ray.nodes())
        threads = settings.threads or 1
        cores = ray.cluster_resources().get("CPU", 0.0)
        if threads * copies > cores:
            message = text("shards.too_few_cores", cores=int(cores), copies=copies, threads=threads)
            raise Failure(message, text("shards.too_few_cores_hint"))
        shards = [
            {"shard": shard, "rows": pickle.dumps(rows[folder.manifest.span(shard)])}
            for shard in folder.missing()
        ]
        gpus = 1 if ray.cluster_resources().get("GPU", 0.0) >= copies else 0
        arguments = (settings, judge, strings.language())
        following = _scored(cluster, shards, arguments, min(copies, len(shards)), threads, gpus)
        for shard, found in _answers(iter(following, None)):
            folder.keep(shard, found)
            pace.stored(shard)
    return Exit.DONE


class Scored:
    """Shards that Ray Data scores."""

    def __init__(
        self, shards: list[Batch], arguments: tuple[Any, ...], copies: int, cpus: int, gpus: int
    ) -> None:
        """`arguments` are those of each `Copy`, and `cpus` and `gpus` are for each."""
        import ray.data

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        context.execution_no_progress_timeout_s = -1  # a shard can take hours
        scored = ray.data.from_items(shards, override_num_blocks=len(shards)).map_batches(
            Copy,
            fn_constructor_args=arguments,
            batch_size=1,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=copies, max_tasks_in_flight_per_actor=1),
            num_cpus=cpus,
            num_gpus=gpus,
        )
        batches = scored.iter_batches(batch_size=1, batch_format="numpy", prefetch_batches=0)
        self._batches = iter(batches)

    def following(self) -> Batch | None:
        """The next shard that is done; None after the last."""
        return next(self._batches, None)


def _scored(cluster: Cluster, *arguments: Any) -> Callable[[], Batch | None]:
    """`Scored.following`: here, or in an actor, as Ray Data does not run in a client."""
    import ray

    if cluster.address is None:
        return Scored(*arguments).following
    there = ray.remote(num_cpus=0)(Scored).remote(*arguments)
    return lambda: ray.get(there.following.remote())


def _set_up(cluster: Cluster) -> None:
    """Set what Ray reads when it is imported, and not again."""
    # Asked for is a cluster, not that Ray reports its use, nor what it does.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # A head asks for its token unless it was told not to; a client gives it only if told to.
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", "~/.ray/auth_token")).expanduser()
    if cluster.address is not None and ("RAY_AUTH_TOKEN" in os.environ or token.is_file()):
        os.environ.setdefault("RAY_AUTH_MODE", "token")


class Copy:
    """A copy of the model in an actor, with an engine of its own."""

    def __init__(self, settings: Settings, judge: Judge[Any], language: strings.Language) -> None:
        strings.use(language)
        self._configure = configured(settings, None, judge.model)  # with this machine's folders
        self._judge = judge
        self._open = AsyncExitStack()
        self._session: Session | None = None
        # The engine is watched between two shards too.
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def __call__(self, batch: Batch) -> Batch:
        """Score a shard; what comes of it is pickled: `ScoredRows`, or the words of a failure."""
        rows = pickle.loads(batch["rows"][0])
        found = asyncio.run_coroutine_threadsafe(self._score(rows), self._loop).result()
        return {"shard": batch["shard"], "scored": [pickle.dumps(found)]}

    async def _score(self, rows: Sequence[Any]) -> ScoredRows | tuple[str, str]:
        pauses = iter(PAUSES_S)
        while True:
            try:
                if self._session is None:
                    self._session = await self._open.enter_async_context(
                        opened(self._configure, None, Output())
                    )
                return await score(self._judge, self._session, rows, lambda done: None)
            except Failure as failure:
                self._session = None
                await self._open.aclose()
                pause = next(pauses, None)
                if not failure.lost or pause is None:
                    return failure.message, failure.hint
                await asyncio.sleep(pause)


def _answers(scored: Iterator[Batch]) -> Iterator[tuple[int, ScoredRows]]:
    """The shards, as they come.

    Raises:
        Failure: one cannot be scored, or the cluster is gone.
    """
    try:
        for batch in scored:
            found = pickle.loads(batch["scored"][0])
            if isinstance(found, tuple):
                raise Failure(*found)
            yield int(batch["shard"][0]), found
    except Failure:
        raise
    except Exception as error:  # Ray raises whatever was raised on any machine
        lines = [line for line in str(error).split("\n") if line.strip()]
        reason = lines[-1].strip() if lines else type(error).__name__
        raise Failure(text("shards.cluster_failed", reason=reason)) from error


@contextmanager
def _joined(cluster: Cluster) -> Iterator[None]:
    """Join a cluster while it is used.

    Raises:
        Failure: its head is not reached.
    """
    import ray

    address = cluster.address
    if address is not None:
        try:
            head = urlsplit(address)
            socket.create_connection((head.hostname or "", head.port or 10001), REACHED_S).close()
        except (OSError, ValueError) as error:
            raise _unreached(address, error) from error
    # What names our own folders counts on every machine.
    own = {name: value for name, value in os.environ.items() if name.startswith("TSUZUKI_")}
    try:
        with _quiet():
            ray.init(
                address,
                runtime_env={"env_vars": own},
                logging_level=logging.ERROR,
                log_to_driver=False,
                **({} if address else {"include_dashboard": False}),
            )
    except (ConnectionError, TimeoutError, RuntimeError, ValueError) as error:
        raise _unreached(address or "ray", error) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop what Ray's own code writes to standard error as it starts, past Python's."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _unreached(address: str, error: Exception) -> Failure:
    reason = str(error).partition("\n")[0]
    return Failure(
        text("shards.no_head", address=address, reason=reason), text("shards.no_head_hint")
    )


@contextmanager
def _interrupted() -> Iterator[None]:
    """Have SIGTERM and a closed terminal end the work as Ctrl+C does; Ray would exit at once."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
