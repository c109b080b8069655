"""Cards as files.

    markdown.py     cards and sessions as Markdown to read and JSON to repeat
    suite_files.py  a suite's results as a table and as JSON
    svg.py          pictures of what happens inside a model

Texts in files stay raw; those in pictures are cleaned.
"""
