"""Cards as files.

    markdown.py     cards and sessions as Markdown to read and JSON to repeat
    card_tables.py  a card's text as a table
    table_files.py  a table as a file, with what it was computed with beside it
    text_figures.py  what its cells are, of a text
    pair_figures.py  what they are, of two texts
    suite_files.py  a suite's results as a table and as JSON
    svg.py          pictures of what happens inside a model

Texts in files stay raw; those in pictures are cleaned.
"""
