"""The parts that panes are made of. None of them knows a model or the engine."""
