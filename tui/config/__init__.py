"""The settings: what can be set (the strings' settings.yaml shows it), read field by field.

A mistake costs one value, is reported with its line, and leaves the default in force.
"""
