"""What is safe to send to a terminal, and how things look there.

    sanitise.py      text from models and files, made safe and visible; the glyphs of drawings
    hostile.py       the same for every line just before it is written
    driver.py        what comes from the terminal: wrong bytes, pastes, and its end
    compositor.py    how the screen is drawn again: only what changed
    streams.py       standard streams that were closed by whoever started the program
    ascii_frames.py  frames without box-drawing characters
    units.py         numbers and sizes as a person reads them
    forecast.py      how long work will still take
    exit_codes.py    how a command ends

Imports no other room but `strings`.
"""
