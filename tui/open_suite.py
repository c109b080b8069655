"""Suites of the user's files: opened as a screen, and their items as cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from engine.messages import GREEDY, Continue, PrecisionChoice, PseudoLikelihood
from tui.cards import Card, ContinueCard, Pane, PllCard
from tui.connection.services import Services
from tui.files import paths, system_errors
from tui.panes.base import TaskPane
from tui.strings import text
from tui.suites import reading
from tui.suites.reading import NamedSuite
from tui.suites.running import SuiteRun
from tui.suites.suite import Item, Unreadable
from tui.terminal.sanitise import clean

if TYPE_CHECKING:
    from tui.screens.suite import SuiteScreen


class OpenSuite:
    """The suites that were opened since the app started, with what came of them."""

    def __init__(
        self,
        shared: Services,
        panes: Mapping[Pane, TaskPane],
        turn_to: Callable[[Pane], None],
    ) -> None:
        self._shared = shared
        self._panes = panes
        self._turn_to = turn_to
        self._runs: dict[tuple[str, str, str, PrecisionChoice], SuiteRun] = {}
        self.last = ""
        """The file that was opened last, as it was written."""

    def open(self, written: str, pane: TaskPane) -> SuiteScreen | None:
        """The screen of a file's suites under the model of a pane.

        None where there are none; a notice on the pane says why.
        """
        from tui.screens.suite import SuiteScreen

        file = written.strip()
        if not file:
            return None
        self.last = file
        try:
            suites = reading.read_file(paths.written(file).read_bytes(), file)
        except OSError as error:
            reason = system_errors.reason(error)
            pane.notice(text("notice.unreadable_file", file=clean(file), reason=reason))
            return None
        except ValueError as error:  # no name of a file: a null
            pane.notice(text("notice.unreadable_file", file=clean(file), reason=error))
            return None
        except Unreadable as error:
            pane.notice(clean(f"{file}: {error}"))
            return None
        pane.notice("")
        runs = [self._run(each, pane.draft.model, pane.form) for each in suites]
        return SuiteScreen(self._shared, runs)

    def _run(self, named: NamedSuite, model: str, precision: PrecisionChoice) -> SuiteRun:
        """What came of a suite under a model; of the same file again, what came before."""
        key = (named.digest, named.suite.name, model, precision)
        return self._runs.setdefault(key, SuiteRun(self._shared, named, model, precision))

    def opened(self, chosen: tuple[SuiteRun, Item] | None) -> None:
        """Show the sentences of an item as cards that are read token by token."""
        if chosen is None:
            return
        run, item = chosen
        pane = self._panes["continue" if run.causal else "fill"]
        for condition, sentence in item.conditions.items():
            pane.cards.run(_card(run, f"{item.name} {condition}", sentence.text))
        self._turn_to(pane.role)
        pane.transcript.enter()


def _card(run: SuiteRun, name: str, sentence: str) -> Card:
    """A sentence to be read by the model of a run."""
    if not run.causal:
        request = PseudoLikelihood(model=run.model, text=sentence, precision=run.precision)
        return PllCard(request=request)
    reading_request = Continue(
        model=run.model,
        prompt="",
        begin=sentence,
        sampling=GREEDY,
        max_tokens=0,
        boundaries=True,
        precision=run.precision,
    )
    return ContinueCard(request=reading_request, prompt="", name=name)
