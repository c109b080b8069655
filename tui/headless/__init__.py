"""The commands for scripts and pipes: data on standard output, everything else on standard error.

args.py    the command line: words in, a typed command out
invocations.py  the commands as structs
commands/  one file for each command
schemas/   the JSON documents
io/        reading files and settings, talking to the engine, writing
checks.py  what `tsuzuki doctor` looks at
"""
