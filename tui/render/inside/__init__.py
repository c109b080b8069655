"""What happens inside a model, as lines: one file for each view of the screen.

view.py         what all views are drawn from
walk.py         from the text to the answer, stop by stop
tables.py       tokens and tensors
attention.py    a head as a map and on the text, and all heads at a glance
numbers.py      queries, keys and values of one head and token
lens.py         what each layer would answer
attribution.py  what each layer and head adds
"""
