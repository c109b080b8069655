"""The engine: everything about models, and nothing about a screen."""
