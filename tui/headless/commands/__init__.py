"""One file for each subcommand: a struct with the command's arguments and its `execute`."""

COMMANDS = {
    "continue": "continue_:ContinueCommand",
    "fill": "fill:FillCommand",
    "pll": "pll:PllCommand",
    "pairs": "pairs:PairsCommand",
    "suite": "suite:SuiteCommand",
    "score": "score:ScoreCommand",
    "document": "document:DocumentCommand",
    "tokens": "tokens:TokensCommand",
    "inspect": "inspect:InspectCommand",
    "surprisal": "surprisal:SurprisalCommand",
    "words": "words:WordsCommand",
    "merge": "merge:MergeCommand",
    "compare": "compare:CompareCommand",
    "replay": "replay:ReplayCommand",
    "models list": "models:ModelsList",
    "models info": "models:ModelsInfo",
    "models pull": "models:ModelsPull",
    "models remove": "models:ModelsRemove",
    "bench": "bench:BenchCommand",
    "forget": "forget:ForgetCommand",
    "lesson": "lesson:LessonCommand",
    "doctor": "doctor:DoctorCommand",
    "completion": "completion:CompletionCommand",
    "engine": "engine:EngineCommand",
}
"""The module and class of each subcommand, in the order of `tsuzuki --help`.

Names, so that a command line imports its own command alone.
"""
