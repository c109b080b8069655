"""What opens over the panes: models, sessions, settings, help, and the windows of one card.

    window.py      what everything that opens has in common
    base.py        what whole screens have in common
    asking.py      a screen that asks the engine as it is walked through
    models.py      what each model can do, and where it is
    sessions.py    earlier sessions
    settings.py    the settings in force
    help.py        help for the place with the focus
    lesson.py      the lesson
    inside.py      what happens inside a model
    tensors.py     what a model was fed for a card and computed
    tree.py        all forks of a text
    compare.py     two texts, or one under two models
    likeliest.py   the likeliest continuations
    swap.py        another token for a place in a text
    samplers.py    how a token was drawn
    pair_table.py  two masks, filled in either order
    document.py    a text as sentences that can be moved
    suite.py       a suite of test sentences, item by item
    matrix.py      every sentence right after every other
    forms.py       small windows over a pane
    sampling.py    the rows of the form about drawing tokens
    dialogs.py     small questions

A screen takes what it needs (services, a card, callbacks) and imports no pane.
"""
