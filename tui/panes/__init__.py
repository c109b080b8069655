"""The three panes, one shape three times: transcript, composer, inspector.

    base.py          what they share
    continue_.py     a text goes on
    fill.py          words for masks
    score.py         two texts, and texts of many sentences
    live.py          what could come next, while a prompt is written
    card_actions.py  what can be done with any card
    fork_actions.py  what can be done with a text of Continue
    fill_actions.py  what can be done with a card of Fill
    offer.py         another model, for a text that this one does not know

A pane holds no model logic: it builds requests and shows cards.
"""
