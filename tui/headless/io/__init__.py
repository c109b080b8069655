"""What commands share: files and settings read, the engine asked, output written.

settings_file.py  the settings that a command runs with
session.py        its conversation with the engine
request.py        requests from the command line
reading.py        scoring a text of any length
tables.py         files of texts as tables
suite_store.py    finished items of a suite, from where it goes on
suite_lines.py    the report of a suite as lines
pair_file.py      files of pairs of texts
masking.py        masks over words named by their number
word_list.py      the words that `fill --words` asks for
output.py         data on standard output, all else on standard error
narration.py      the status line while it waits
advice.py         a warning where a model does not fit a text
bars.py           surprisal by word as bars
score_line.py     one judgement as a line
"""
