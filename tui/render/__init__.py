"""Lines of text with styles, made from cards without Textual.

flow.py            text that flows into lines of a width in terminal cells
line_breaks.py     where lines may break, also in Japanese
bars.py            probabilities as bars
curve.py           a curve over the gaps of a text
blocks.py          a card as lines
stack.py           the cards of a transcript, one below the other
details.py         the inspector's lines
tensors.py         what a model was fed and computed, with shapes
facts.py           the line of facts under a card
inside/            what happens inside a model
lesson.py          a stop of the lesson
lesson_answers.py  what the answer to its question is, in words
regions.py         sentences by region and condition
columns.py         blocks of lines next to each other
tracked.py         words tracked through a text
token_lines.py     tokens side by side
fillings.py        words for masks
judged.py          sentences scored token by token
witness_lines.py   the figures of each witness
model_words.py     what is known of a model, in words
weights.py         how the form of a model's weights is written
verdicts.py        what witnesses come to, in words
"""
