"""Themes: one YAML file each, and the loader that turns them into Textual's.

`tui.theming.schema` says what a file can hold. A theme in use gives these TCSS variables beside
Textual's own: for every mark and for ``token-0`` (likeliest) to ``token-4`` (most surprising),
``$<name>-color``, ``$<name>-background`` and ``$<name>-style``.
"""

from tui.theming.loader import DEFAULT, LoadResult, load_builtin, load_folder

__all__ = ["DEFAULT", "LoadResult", "load_builtin", "load_folder"]
