"""The settings.

    settings.py    what can be set, its defaults, and reading the file
    validation.py  a document read into a struct, one field at a time

A mistake costs one value, is reported with its line, and leaves the default in force.
"""
