"""From a prompt to the next token.

    prompting.py      tokenizing a prompt, and the token a text starts with
    steps.py          temperature, top-k, top-p, min-p, typical-p, penalty
    sampling.py       these in their order; the seeded draw
    stepping.py       one step of all branches
    prompt_lookup.py  guesses of the next tokens, taken from the text itself
    token_stats.py    log-probability, rank, entropy and alternatives of a token
    word_ends.py      how likely a word ends
    stopping.py       stop strings

A new sampler goes into steps.py and sampling.py. Nothing here depends on how a model computes its
logits.
"""
