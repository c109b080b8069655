"""One file for each thing that can be asked for: a generator that yields events.

    continuation.py       a prompt goes on
    nbest.py              the likeliest ways on
    finding.py            words of the vocabulary at one place
    tracing.py            how a token was drawn
    masking.py            words for `[MASK]`, with causal_masking, whole_words and joint_filling
    pseudo_likelihood.py  a text judged token by token by a masked model
    continuity/           how well B continues A, by several witnesses
    document.py           a text of many sentences
    inspection.py         the tokens of a text
    limits.py             what is refused before anything is computed

A task is cancelled by closing its generator, and yields often enough for that. It draws nothing and
lays nothing out.
"""
