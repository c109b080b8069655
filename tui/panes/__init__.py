"""The three panes: one shape, thrice."""
