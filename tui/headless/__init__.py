"""The commands for scripts and pipes: data on standard output, everything else on standard error.

args.py            the command line: words in, a typed command out
parser_text.py     what argparse says by itself, in the user's language
options.py         arguments that several commands take
command.py         the structs that it fills: what all commands share
commands/          one file for each command: its struct, its arguments, what it does
                   a new command is a file there, a line in COMMANDS and its strings
shards/            files too long for one go
schemas/           the JSON documents
io/                reading files and settings, talking to the engine, writing
checks.py          what `tsuzuki doctor` looks at
checks_network.py  its checks of the network
reach.py           a child process that asks whether a URL answers
"""
