"""Support for tests: small models, a fake engine, local servers, a terminal.

tiny.py           random small models of every family, saved as real checkpoints are
tiny_gguf.py      the same as GGUF files
bundles.py        real models from folders
fake_models.py    a tokenizer of bytes and a model that is a function
fake_engine.py    an engine that answers as a test wants, and the app over it
scripted_engine.py  an engine that plays a script, for commands
wording.py        the engine's messages as the user reads them
screen_host.py    a small app that screens are tried in
processes.py      real worker processes
relay.py          a slow link to a worker, which can be cut; ssh_server.py a server for `ssh`
terminal.py       the app in a real pseudo-terminal
hub_server.py     a model hub; index_server.py a package index; pulls.py runs pulls
"""
