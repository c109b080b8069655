"""The lesson: what language models are and how they work, in stops that compute what they show.

stops.py     the stops in their order: what each asks the engine, and what its question asks
progress.py  how far the learner came, and the learner's own texts
network.py   a small network that learns, in plain Python
blocks.py    the Python that computes what a stop shows
blocks.yaml  those lines
"""
