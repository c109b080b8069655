"""Every action with its keys, its title and the place it works in; one registry.

    actions.py  the registry
    keymap.py   the user's own keys
    palette.py  the command palette, and themes tried on in it

Bindings, footer, help and palette are all made from the registry.
"""
