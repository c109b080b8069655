"""Files too long for one go: their rows are scored in shards, which are kept as they are done.

judging.py   what scores rows, and what comes of it
rows.py      the rows of the file, kept on disk meanwhile
table.py     a command's table of texts, in one go or in shards
folder.py    the folder of a run: its manifest, and the shards that are done
places.py    where shards are scored: what `--on` names
pool.py      on engines, here and elsewhere
cluster.py   on a cluster of Ray's
pace.py      how many rows are done, how fast, and the time left
merging.py   one table of all shards
run.py       a command's run, from its file to that table
"""
