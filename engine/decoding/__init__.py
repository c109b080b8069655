"""From a prompt to the next token.

    prompting.py      tokenizing a prompt, and the token a text starts with
    sampling.py       temperature, top-k, top-p, min-p, typical-p, penalty; the seeded draw
    stepping.py       one step of all branches
    prompt_lookup.py  guesses of the next tokens, taken from the text itself
    token_stats.py    log-probability, rank, entropy and alternatives of a token
    stopping.py       stop strings

A new sampler goes into sampling.py. Nothing here depends on how a model computes its logits.
"""
