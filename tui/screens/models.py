"""The models: what each can do, where it is, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable, Static

from engine.messages import Load, ModelInfo, Precision, PrecisionChoice, Pull, Remove, Role, Unload
from tui.connection.services import Services
from tui.files import paths, system_errors
from tui.keys.actions import bindings
from tui.render import model_words
from tui.render.weights import forms
from tui.screens.base import Overlay, Table
from tui.screens.dialogs import Ask, Confirm
from tui.strings import listed, text, worded
from tui.terminal.sanitise import clean
from tui.terminal.units import size
from tui.widgets.header import state_text

_ROLES: tuple[Role, ...] = ("continue", "fill", "score")


class ModelsScreen(Overlay[str]):
    """Ends with the model to use in the pane that it was opened from."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("models")]

    def __init__(
        self, shared: Services, role: Role, current: str, precision: PrecisionChoice = "exact"
    ) -> None:
        """Models are loaded in the form that the pane asks for, where they can have it."""
        super().__init__(shared, text("screens.models.title"))
        self._role = role
        self._current = current
        self._precision = precision
        self._details = Static(markup=False)
        self._table = Table(
            (" ", 1),
            (text("screens.models.model"), 27),
            (text("screens.models.does"), 8),
            (text("screens.models.language"), 5),
            (text("screens.models.size"), 8),
            (text("screens.models.state"), 18),
            cut=self.cut,
        )

    def body(self) -> Iterator[Widget]:
        """The table, and the details of the chosen row."""
        yield self._table
        with VerticalScroll(classes="details"):
            yield self._details

    async def on_mount(self) -> None:
        """Show the known models, ask for the list again, and follow changes."""
        self._show()
        self._table.focus()
        self.set_interval(0.2, self._show)
        self._refresh()

    @work(exclusive=True)
    async def _refresh(self) -> None:
        try:
            await self.shared.link.refresh()
        except OSError as error:
            self._show_warning(text("model_jobs.no_engine", reason=system_errors.reason(error)))

    # ------------------------------------------------------------------------ showing

    def _show(self) -> None:
        link, glyphs = self.shared.link, self.shared.glyphs
        ordered = sorted(link.models.values(), key=lambda m: (self._role not in m.roles, m.id))
        fresh = self._table.chosen is None
        self._table.show({info.id: self._row(info) for info in ordered})
        if fresh:
            self._table.go(self._current)
        ready = sum(info.state == "ready" for info in ordered)
        heading = [text("screens.models.title"), text("screens.models.ready", count=ready)]
        if link.memory is not None:
            used, budget = size(link.memory.used), size(link.memory.budget)
            heading.append(text("screens.models.memory", used=used, budget=budget))
        self.heading(glyphs.dot.join(heading))
        self._describe()

    def _row(self, info: ModelInfo) -> tuple[str, ...]:
        glyphs = self.shared.glyphs
        mark = glyphs.on if info.id == self._current else ""
        roles = " ".join(text(f"screens.models.{role}") for role in _ROLES if role in info.roles)
        state = state_text(info, self.shared.link.progress.get(info.id))
        return mark, info.id, roles, " ".join(info.languages), size(info.bytes), state

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Offer to stop only what is under way."""
        return action != "models_stop" or self.shared.model_jobs.pulling(self._table.chosen or "")

    @on(DataTable.RowHighlighted)
    def _describe(self) -> None:
        """Write the details of the chosen model below the table."""
        info = self._info()
        self.refresh_bindings()
        if info is None:
            self._details.update(text("screens.models.none"))
            return
        progress = self.shared.link.progress.get(info.id)
        lines = [("name", f"{info.title} ({info.id})")]
        lines.append(("does", model_words.does(info) or text("screens.models.nothing")))
        state = state_text(info, progress)
        if progress is not None and progress.state == info.state and progress.total:
            done, total = size(progress.done or 0), size(progress.total)
            state = text("screens.models.progress", state=state, done=done, total=total)
        if progress is not None and progress.state == info.state and progress.stage:
            state = listed((state, worded(progress.stage)))
        lines.append(("state", ": ".join(filter(None, (state, worded(info.reason))))))
        kind = "in_memory" if info.in_memory else "to_load"
        taken = text(f"screens.models.{kind}", size=size(info.memory), forms=_in_memory(info))
        memory = taken if info.memory else ""
        lines.append(("size", listed(filter(None, (size(info.bytes), memory)))))
        lines.append(("forms", listed(_forms(info))))
        lines.append(("context", str(info.context) if info.context else ""))
        lines.append(("chat", text("screens.models.template") if info.chat else ""))
        lines.append(("licence", info.licence))
        place = (
            model_words.source(info),
            model_words.origin(info),
            model_words.revision(info)[:12],
        )
        lines.append(("source", " ".join(filter(None, place))))
        lines.append(("path", info.path or ""))
        lines.append(("unable", "; ".join(map(worded, info.unable))))
        lines.append(("note", worded(info.note)))
        self._details.update(
            Content("\n").join(
                Content.assemble((f"{text(f'screens.models.{name}')}: ", "bold"), clean(value))
                for name, value in lines
                if value
            )
        )

    def _info(self) -> ModelInfo | None:
        chosen = self._table.chosen
        return None if chosen is None else self.shared.link.models.get(chosen)

    def _show_warning(self, message: str) -> None:
        self.notify(clean(message), severity="warning", markup=False)

    # ------------------------------------------------------------------------ actions

    def action_models_use(self) -> None:
        """Use the chosen model in the pane that the screen was opened from."""
        info = self._info()
        if info is None:
            return
        if self._role not in info.roles:
            role = text(f"actions.pane_{self._role}.title")
            self._show_warning(text("screens.models.cannot", model=info.title, role=role))
        else:
            self.dismiss(info.id)

    def action_models_pull(self) -> None:
        """Download the chosen model."""
        info = self._info()
        if info is None:
            return
        if info.state not in ("absent", "failed"):
            self._show_warning(text("screens.models.here", model=info.title))
        elif info.source == "bundled":
            self._show_warning(text("screens.models.bundled", model=info.title))
        else:
            self.shared.model_jobs.start(Pull(info.id))

    def action_models_stop(self) -> None:
        """Stop the download of the chosen model."""
        info = self._info()
        if info is not None and not self.shared.model_jobs.stop(info.id):
            self._show_warning(text("screens.models.idle", model=info.title))

    def action_models_load(self) -> None:
        """Bring the chosen model into memory."""
        info = self._info()
        if info is None:
            return
        if info.state == "absent":
            self._show_warning(text("screens.models.absent", model=info.title))
        else:
            form = self.shared.link.form(info.id, self._precision)
            self.shared.model_jobs.start(Load(info.id, form))

    def action_models_unload(self) -> None:
        """Give the chosen model's memory back."""
        info = self._info()
        if info is None:
            return
        if info.state not in ("ready", "loading"):
            self._show_warning(text("screens.models.not_loaded", model=info.title))
        else:
            self.shared.model_jobs.start(Unload(info.id))

    @work
    async def action_models_remove(self) -> None:
        """Delete the chosen model's files, after a confirmation."""
        info = self._info()
        if info is None:
            return
        if info.source not in ("hub", "index"):
            self._show_warning(text("screens.models.not_ours", model=info.title))
        elif info.state == "absent":
            self._show_warning(text("screens.models.not_here", model=info.title))
        else:
            question = text("screens.models.sure", model=info.title, size=size(info.bytes))
            answer = await self.app.push_screen_wait(
                Confirm(clean(question), text("actions.models_remove.title"))
            )
            if answer == "yes":
                self.shared.model_jobs.start(Remove(info.id))

    @work
    async def action_models_open(self) -> None:
        """Use a model that lies somewhere on this machine, or that a server runs."""
        written = await self.app.push_screen_wait(
            Ask(text("screens.models.where"), example="~/models/my-gpt2", path=True)
        )
        if not written or not written.strip():
            return
        if "://" in written:
            self.dismiss(written.strip())
            return
        path = _place(written.strip())
        if path is None:
            self._show_warning(text("screens.models.no_model", path=written.strip()))
        else:
            self.dismiss(str(path))


def _in_memory(info: ModelInfo) -> str:
    """The forms in memory, and where each is if a GPU has any of them."""
    if info.device == "cpu":
        return listed(info.in_memory)
    return listed(
        text(
            "screens.models.on_device",
            form=form,
            device=info.device if form in info.on_device else "cpu",
        )
        for form in info.in_memory
    )


def _forms(info: ModelInfo) -> Iterator[str]:
    """The forms that a model can have, with what has been measured of them."""
    distances = {distance.precision: distance for distance in info.distances}
    precisions: list[Precision] = info.precisions or ["exact"]
    for precision, name in zip(precisions, forms(info), strict=False):
        measured = distances.get(precision)
        if measured is None:
            yield name
        else:
            kl, top = f"{measured.kl:.1e}", f"{measured.top1:.1%}"
            yield f"{name} ({text('screens.models.distance', kl=kl, top=top)})"


def _place(written: str) -> Path | None:
    """The folder or .gguf file that the user wrote, if there is one."""
    path = paths.written(written).absolute()
    try:
        found = path.is_dir() or (path.is_file() and path.suffix.lower() == ".gguf")
    except OSError:  # too long for a name
        return None
    return path if found else None
