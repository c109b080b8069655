"""What the screen costs the model: `python -m tests.bench.share MODEL [PRECISION [SIZE]]`.

Continues a text in turns in the app, in a pseudo-terminal of this size (80x24), and by the task
alone, in a process of its own on the same number of threads. Prints the tokens per second of both,
as the engine measures them, their ratio, and what the app itself, apart from the engine, takes of a
processor for each token. The model is taken from TSUZUKI_DATA_HOME or the user's store.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.machine import threads
from tests.bench.wire import processor
from tests.support.terminal import Terminal, environment
from tui.files import paths

TOKENS = 300
ROUNDS = 5
PROMPT = "Once upon a time"
PAUSE_S = 1.0
"""Between two turns: threads spin for a while after their last step."""


def alone(model: str, precision: str) -> None:
    """For each line of standard input, write the tokens per second of the task."""
    from engine.bench import decoding
    from engine.messages import GREEDY, Continue, Done
    from engine.server.stepping import stepped
    from engine.store.store import Store
    from engine.tasks import continuation

    threads.use(threads.default_threads())
    files = Store(paths.store_folder()).find(model)
    (loaded,) = decoding.load(files, [precision]).values()  # type: ignore[list-item]
    request = Continue(model=files.id, prompt=PROMPT, sampling=GREEDY, max_tokens=TOKENS)
    for _ in sys.stdin:
        *_, done = stepped(loaded, continuation.run(loaded, request, 0.0))
        assert isinstance(done, Done)
        print(done.timing.tokens_per_s, flush=True)


def in_app(terminal: Terminal) -> tuple[float, float]:
    """One answer: its tokens per second, and milliseconds of a processor for each token."""
    terminal.press("ctrl+n")
    time.sleep(PAUSE_S)
    terminal.press(PROMPT)
    terminal.wait(PROMPT)
    terminal.press("enter")
    terminal.skim(b"writing")
    busy = processor(terminal)
    terminal.skim(b"perplexity")
    busy = processor(terminal) - busy
    terminal.wait("perplexity", "tok/s")
    return float(re.findall(r"([\d.]+) tok/s", terminal.text)[-1]), 1000 * busy / TOKENS


def main(model: str, precision: str = "int4", size: str = "80x24") -> None:
    """Print a line for each round, and the medians."""
    columns, rows = map(int, size.split("x"))
    command = [sys.executable, "-m", "tests.bench.share", "--alone", model, precision]
    pipe = subprocess.PIPE
    found = []
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as task,
    ):
        assert task.stdin is not None and task.stdout is not None
        home = Path(folder)
        (home / "config").mkdir()
        (home / "config" / "settings.yaml").write_text(
            f"sampling: {{temperature: 0, top_p: 1}}\nmax_tokens: {TOKENS}\n"
            f"models: {{continue: {model}}}\nprecision: {precision}\n"
            f"threads: {threads.default_threads()}\n"
        )
        own = environment(home, TSUZUKI_DATA_HOME=str(paths.store_folder()))
        terminal = Terminal(own, columns, rows)
        try:
            terminal.wait("greedy · ", "on disk")
            for number in range(ROUNDS + 1):
                time.sleep(PAUSE_S)
                task.stdin.write("\n")
                task.stdin.flush()
                rate = float(task.stdout.readline())
                shown, busy = in_app(terminal)
                print(f"alone {rate:6.1f}  in the app {shown:6.1f} tokens/s  {busy:5.2f} ms/token")
                if number:  # the first loads the model
                    found.append((rate, shown, busy))
        finally:
            terminal.close()
            task.kill()
    rate, shown, busy = map(statistics.median, zip(*found, strict=True))
    ratio = statistics.median(shown / rate for rate, shown, _ in found)
    print(f"medians: {rate:.1f}, {shown:.1f} tokens/s, {busy:.2f} ms/token; ratio {ratio:.3f}")


if __name__ == "__main__":
    if sys.argv[1] == "--alone":
        alone(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
