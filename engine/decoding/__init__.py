"""From a prompt to the next token.

    prompting.py      cutting a prompt, and the tokens a model must start with
    sampling.py       temperature, top-k, top-p, min-p, typical-p, penalty; the seeded draw
    stepping.py       one step of all branches
    prompt_lookup.py  guesses of what comes next, taken from the text itself
    token_stats.py    log-probability, rank, entropy and alternatives of a token
    stopping.py       stop strings

A new sampler goes into sampling.py. Nothing here knows how a model computes its logits.
"""
