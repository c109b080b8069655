"""The parts that Textual draws: composer, transcript, inspector, header, footer.

    header.py          the line at the top
    composer.py        where a prompt is written
    exact_document.py  its text, kept as it was typed
    holding.py         texts that are too long to be laid out at every key
    transcript.py      the cards of a pane
    card_kinds.py      which kinds a card is of, for actions on some cards only
    inspector.py       the details of the token under the cursor
    hints.py           the line at the bottom: keys that matter now
    lines.py           a scrolling view of lines
    following.py       one that follows lines growing at its end

They draw what `render` made; they import no pane and build no request.
"""
