"""The commands for scripts and pipes: data on standard output, everything else on standard error.

args.py     the command line: words in, a typed command out
command.py  the structs that it fills: what all commands share
commands/  one file for each command: its struct, its arguments, what it does
           a new command is a file there, a line in COMMANDS and its strings
schemas/   the JSON documents
io/        reading files and settings, talking to the engine, writing
checks.py  what `tsuzuki doctor` looks at
"""
