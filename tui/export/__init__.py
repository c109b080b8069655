"""Cards as files: Markdown for people, JSON that can be replayed. Texts stay raw."""
