"""A model that a server runs, asked over HTTP: it has the seam of the runtimes that run here.

    connecting.py    from an entry to a model that answers, or to the reason why it cannot
    link.py          requests and streams, which end at once when they are not wanted any more
    keys.py          the key of a server, from the environment or a file of the user's alone
    dialect.py       what every server is asked, and what its answers are made of
    completions.py   the dialect of OpenAI's completions: vLLM, SGLang, llama-cpp-python
    native.py        that of llama-server's own route
    ollama.py        that of Ollama's own route
    spelling.py      which ids a text stands for, for servers that name tokens by their text
    agreement.py     whether the tokenizer here cuts texts as the server does
    runtime.py       rows of ids, whose log-probabilities are asked for when they are needed

A server lists the likeliest tokens, not all logits (`engine.interfaces.Listing`), so tokens are
drawn here among those that are listed. What the server itself draws is only a guess of the next
token: while the guesses are right, their stream goes on, as with `engine.decoding.prompt_lookup`.
So no setting of the server's sampling has any part in a text.

Nothing here opens a socket before a request names such a model.
"""
