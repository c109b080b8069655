"""The parts that Textual draws: composer, transcript, inspector, header, footer.

They draw what `render` made, and know no pane and no request.
"""
