"""A runtime that plays a script, for tests of programs.

    from hogdsl.testing import script

    @hog.program
    def greet(s: hog.Scope) -> str:
        s += "My name is " + hog.gen("name", stop=".")
        return s["name"]

    assert greet.on(script({"main": "Ada. How do you do?"}))() == "Ada"

Every stream is given the texts of its `gen` and `select` in order. They come in lock step, a word
per stream and step, with the events, budgets, stops, steps, `until`, `ask` and `waits_for` of a
real run. What it leaves out: there is no model, so views have no effect on what is written; a token
is a word with the space after it; and no clock, so bounds in seconds never end anything.
"""

from hogdsl.testing.runtime import ScriptRuntime, ScriptSession, script

__all__ = ["ScriptRuntime", "ScriptSession", "script"]
