"""Themes: one YAML file each, made into Textual's.

    schema.py    what a file can hold
    loader.py    from files to Textual's themes
    builder.py   one of them: what the file leaves out, and what is wrong with it
    contrast.py  how well one colour can be read on another
    switch.py    changing the theme of a running app

A theme in use gives these TCSS variables beside Textual's own: for every mark and for ``token-0``
(likeliest) to ``token-4`` (most surprising), ``$<name>-color``, ``$<name>-background`` and
``$<name>-style``.
"""

from tui.theming.loader import DEFAULT, LoadResult, load_builtin, load_folder

__all__ = ["DEFAULT", "LoadResult", "load_builtin", "load_folder"]
