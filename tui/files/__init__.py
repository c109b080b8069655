"""Files and folders of the user's.

    paths.py          where settings, sessions and models are
    text_file.py      a text file that a person names
    word_list.py      words with commas between them, or a file of them
    yaml_reader.py    YAML whose every mistake has a line number
    values.py         what is wrong with a value, in the user's language
    system_errors.py  why the system refused something, likewise
"""
