"""Everything that a person sees; imports of the engine only its client and messages.

    cli.py           `tsuzuki`: opens the app or runs a command
    launch.py        opens the app
    app.py           the app: three panes, screens over them, one engine
    open_session.py  the session on the panes, saved and exchanged
    open_suite.py    suites opened from files, and their items as cards
    choices.py       what was chosen last, and when the settings file wins
    preferences.py   the user's own files, read together: settings, keys, themes

    panes/       Continue, Fill and Score: transcript, composer and inspector
    screens/     what opens over the panes
    widgets/     the parts that Textual draws
    render/      lines of text with styles, made without Textual
    headless/    the commands for scripts
    export/      cards as Markdown and JSON
    examples/    sentences to begin with
    history/     sessions in SQLite
    suites/      suites of sentences that test a model
    analysis/    pure functions over texts and their figures
    lesson/      the stops of the lesson
    connection/  requests to the engine, and what runs
    cards/       what a transcript holds: plain data
    theming/     reads the YAML files of themes/
    keys/        every action and its keys
    config/      the settings file
    files/       files and folders of the user's
    terminal/    what is safe to send to a terminal, and how numbers look there
    strings/     every word that the app says

One key press: `widgets.composer` posts what was written, a pane builds a card with its
request, `connection.runs` asks the engine and folds each event into the card, `widgets.transcript`
draws it with `render`. Rooms import only rooms further down; the contracts in `pyproject.toml` hold
that.
"""
