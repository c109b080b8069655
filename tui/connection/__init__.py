"""The app's side of the engine.

link.py        one connection, and what it reported on models and memory
services.py    what every part of the screen shares
model_jobs.py  pulls, loads and removals, which go on whatever screen is open
runs.py        a card's request: asked, and its events folded into the card
"""
