"""The screens that lie over the panes, and the dialogs that lie over those."""
