"""Pure functions over texts and the figures that came for them.

scripts.py         which characters are kana and kanji
word_surprisal.py  a text cut into words, and their surprisal
unigrams.py        how frequent each word is
heat.py            how surprising a token is, in five steps
tracks.py          words at every place of a text
alignment.py       one text under two models
word_alignment.py  the words of a text under two models, or of two versions of it
minimal_pairs.py   where two sentences differ
leaps.py           the words, sentences and surprises of a text
masks.py           masks in a text that is being written
mask_words.py      which words can be hidden
intervals.py       how sure a share is
ranking.py         which of several texts were found better
partners.py        which model judges a minimal pair too
naming.py          a model's name where a line is short
fit.py             whether a model knows a text, and which one would
"""
