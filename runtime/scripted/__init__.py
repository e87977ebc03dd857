"""A runtime that plays a script: the real scheduler over words instead of a model.

    words.py    a tokenizer whose tokens are words
    texts.py    what the model says next, and whether it may say that
    machine.py  runs the rows of a step: the script's words, choices and answers
    session.py  runs regions while their events are read; no thread, and time by steps

All rules, budgets, stops, commands and events are those of a real run, for they are made by
`runtime.scheduler`. No torch and no tokenizers library is needed.
"""

from runtime.scripted.session import ScriptRuntime, ScriptSession, script

__all__ = ["ScriptRuntime", "ScriptSession", "script"]
