"""The settings: what can be set (settings.yaml has the defaults), read field by field.

A mistake costs one value, is reported with its line, and leaves the default in force.
"""
