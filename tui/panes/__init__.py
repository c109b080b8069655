"""The three panes, one shape three times: transcript, composer, inspector.

    base.py              what they share: a draft is sent and becomes a card
    layout.py            the parts of a pane and their places
    pane_cards.py        its cards: run, saved, removed
    model_label.py       what a composer's frame shows of the model
    row.py               all three side by side, or one at a time
    continue_.py         a text goes on
    fill.py              words for masks
    score.py             two texts, and texts of many sentences
    live.py              what could come next, while a prompt is written
    gallery.py           examples to begin with
    recall.py            the way back through what was sent
    reading.py           files of the user
    looking.py           what is looked at inside a model
    tracking.py          words tracked through the text of a card
    offers.py            another model, for a text that suits this one badly
    host.py              what the actions below see of a pane
    card_actions.py      what can be done with any card
    continue_actions.py  with a whole text of Continue
    fork_actions.py      at a token of such a text
    fill_actions.py      with a card of Fill
    score_actions.py     with a card of Score

A pane holds no model logic: it builds requests and shows cards. It makes the action objects that
its own cards need; they import the host, never a pane.
"""
