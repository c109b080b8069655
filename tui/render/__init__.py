"""Lines of text with styles, made from cards without Textual.

flow.py     text that flows into lines of a width in terminal cells
line_breaks.py  where lines may break, also in Japanese
bars.py     probabilities as bars
curve.py    a curve over the gaps of a text
blocks.py   a card as lines
stack.py    the cards of a transcript, one below the other
details.py  the inspector's lines
tensors.py  what a model was fed and computed, with shapes
facts.py    the line of facts under a card
inside/     what happens inside a model
lesson.py   a stop of the lesson
verdicts.py what witnesses come to, in words
model_words.py  a model: what it can do, its state, where it comes from
"""
