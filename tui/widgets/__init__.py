"""The parts that Textual draws: composer, transcript, inspector, header, footer.

They draw what `render` made; they import no pane and build no request.
"""
