"""One file for each command: `run` obeys a struct of `tui.headless.invocations`."""
