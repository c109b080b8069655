"""Files and folders of the user's.

paths.py        where settings, sessions and models are
text_file.py    a text file that a person names
word_list.py    words with commas between them, or a file of them
yaml_reader.py  YAML whose every mistake has a line number
"""
