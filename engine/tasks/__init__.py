"""One file for each kind of request: a generator that yields events.

    continuation.py       continue a prompt
    nbest.py              the likeliest continuations
    finding.py            search the vocabulary for a word at one place
    tracing.py            how a token was drawn
    masking.py            words for `[MASK]`
    causal_masking.py     one mask, with a causal model
    whole_words.py        words of any number of pieces at a mask
    joint_filling.py      several masks together
    words.py              how words at a mask are spelled and tokenized
    pseudo_likelihood.py  score a text token by token with a masked model
    text_scoring.py       score every token of many texts
    continuity/           how well B continues A, by several witnesses
    tracking.py           words through texts: how likely at every place
    document.py           score the sentences of a text
    inspection.py         the tokens of a text
    inside/               what happens inside a model: tensors, attention, lens, attribution
    limits.py             whether a model can answer, and the part of it that does

A task is cancelled by closing its generator, and yields often enough for that. It does not deal
with presentation.
"""
