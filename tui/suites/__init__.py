"""Suites of sentences that test a model, as researchers publish them.

suite.py      a suite: items, conditions, predictions, and what is wrong with it
sentences.py  regions joined to a sentence, and the figures of its pieces shared out among them
formula.py    predictions as formulas over the surprisals of regions
reading.py    a file's suite
syntaxgym.py  SyntaxGym's JSON
blimp.py      BLiMP's JSON lines
asking.py     the sentences of items as a request, and their answers
running.py    a suite that the app scores
results.py    what came of items, and over all of them
"""
