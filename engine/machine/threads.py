"""On how many threads to run while other programs use the cores too.

The threads of a step wait for each other awake, hundreds of times per step. While another program
has one of their cores, the rest burn theirs waiting for it, and a model runs at a fraction of the
speed that one thread alone would reach (measured by engine/bench/neighbours.py).
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from engine.messages import Cores, Precision
from engine.messages.units import BUSY
from engine.precision import QUANTISED

EVERY_S = 0.5
"""Between two looks while steps are taken; the system counts in hundredths of a second."""
IDLE_S = 2.0
"""Between two looks while none are."""
LOOKS = 3
"""A core must have been free at so many looks in a row before a thread is added: one too many
costs more than one too few."""
SPARE = 0.4
"""A core counts as free that others use less than this: they cost a thread on it about as much time
as it saves. The app too uses some, to draw what the model writes."""


def default_threads(
    cgroups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> int:
    """The number of physical cores that this process may use (cgroup v2).

    `own` says in which of the `cgroups` it is.
    """
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = min(physical, len(_allowed()))
    return max(1, math.floor(min(allowed, _quota(cgroups, own))))


def use(threads: int) -> None:
    """Compute on this many threads from now on. Imports torch.

    To be called on the thread that computes, as OpenMP has a number for each.
    """
    import torch

    global _used
    _used = threads
    torch.set_num_threads(threads)


def used() -> int:
    """The number that was given to `use` last; before that, PyTorch's own choice."""
    import torch

    return _used or torch.get_num_threads()


@contextmanager
def for_form(precision: Precision) -> Iterator[None]:
    """For steps of a model in this form: beside ONNX Runtime PyTorch computes on one thread.

    After each of its operations PyTorch's other threads wait awake for the next (libgomp for some
    17 ms, `GOMP_SPINCOUNT`). Beside ONNX Runtime's own threads that costs more than half of the
    speed; tests/bench/spinning.py measures it.
    """
    if precision not in QUANTISED:
        yield
        return
    import torch

    number = used()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(number)


_used = 0
"""The number of threads; 0 until one was chosen."""


class Reading(NamedTuple):
    """Seconds of processor time until now."""

    all: float
    """Of the cores that this process may use; 0 where the system does not say."""
    idle: float
    """The part of it in which they did nothing."""
    own: float
    """The part of it in which they worked for this process."""


def read() -> Reading:
    """Read the clocks of the cores and of this process."""
    try:
        per_core = psutil.cpu_times(percpu=True)
    except (OSError, psutil.Error):
        per_core = []
    allowed = _allowed()
    mine = [times for core, times in enumerate(per_core) if core in allowed]
    idle = sum(times.idle + getattr(times, "iowait", 0.0) for times in mine)
    return Reading(sum(map(sum, mine)), idle, time.process_time())


class Threads:
    """Runs on as many threads as there are free cores, at least 1 and at most those wanted."""

    def __init__(
        self,
        most: int,
        *,
        fixed: bool,
        changed: Callable[[Cores], None],
        use: Callable[[int], None] = use,
        read: Callable[[], Reading] = read,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with `most` threads, and stay there if that is `fixed`.

        `changed` is called when the number of threads changes, or whether the machine is busy.
        """
        self._most, self._fixed = most, fixed
        self._changed, self._use, self._read, self._clock = changed, use, read, clock
        self.now = Cores(threads=most)
        """What was found last."""
        self._free: deque[float] = deque(maxlen=LOOKS)
        self._at, self._last = clock(), read()

    def look(self) -> None:
        """See how many cores are free, unless that was just seen; call it between two steps."""
        at = self._clock()
        passed = at - self._at
        if passed < EVERY_S:
            return
        last, self._last, self._at = self._last, self._read(), at
        every, idle, own = (new - old for new, old in zip(self._last, last, strict=True))
        if every <= 0:
            return
        self._free.append((idle + own) / passed)
        free = min(self._free)
        threads = max(1, min(self._most, math.floor(free + SPARE)))
        now = Cores(
            threads=self._most if self._fixed else threads,
            busy=free < (1 - BUSY) * every / passed,
        )
        if now.threads != self.now.threads:
            self._use(now.threads)
        if now != self.now:
            self.now = now
            self._changed(now)


def _allowed() -> set[int]:
    """The numbers of the cores that this process may use."""
    if sys.platform == "linux":
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _quota(cgroups: Path, own: Path) -> float:
    """The cores' worth of time that our group may use; infinite without a limit.

    The limits of the groups around it count too. In a container the outermost one that can be seen
    is its own.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []
    named = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    group = Path(named)
    if ".." in group.parts:  # it lies outside of what this container sees
        group = Path()
    return min(_limit(cgroups / each) for each in (group, *group.parents))


def _limit(group: Path) -> float:
    try:
        limit, period = (group / "cpu.max").read_text().split()
    except OSError:
        return math.inf
    return math.inf if limit == "max" else int(limit) / int(period)
