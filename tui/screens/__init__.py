"""What opens over the panes: models, sessions, settings, help, and the windows of one card.

A screen takes what it needs (services, a card, callbacks) and imports no pane.
"""
