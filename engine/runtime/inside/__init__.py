"""A model that can be looked into: transformers' own class with eager attention, in fp32.

    model.py      one pass over a text, with what is seen on the way
    attending.py  an attention that shows its weights and can be altered
    anatomy.py    where each family keeps its layers, by module name

It is loaded beside the forms that answer other requests, which it does not touch.
"""
