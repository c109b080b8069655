"""Lines of text with styles, made from cards without Textual.

flow.py     text that flows into lines of a width in terminal cells
bars.py     probabilities as bars
curve.py    a curve over the gaps of a text
blocks.py   a card as lines
details.py  the inspector's lines
facts.py    the line of facts under a card
inside/     what happens inside a model
verdicts.py what witnesses come to, in words
"""
