"""Files and folders of the user's.

paths.py          where settings, sessions and models are
tables.py         tables of text: CSV, TSV and JSON lines
text_file.py      a text file that a person names
completing.py     how the name of a file goes on
ssh_hosts.py      the hosts that ssh's settings name
whole_file.py     files written whole or not at all
word_list.py      words with commas between them, or a file of them
yaml_reader.py    YAML whose every mistake has a line number
values.py         what is wrong with a value, in the user's language
system_errors.py  why the system refused something, likewise
"""
