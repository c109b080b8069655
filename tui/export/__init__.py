"""Cards as files: Markdown for people, JSON that can be replayed. Texts stay raw.

Pictures of what happens inside a model (`svg.py`), whose texts are cleaned.
"""
