"""The subcommands for scripts and pipes: stdout is data, stderr is narration."""
