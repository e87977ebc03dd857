"""The compiler: from what a program declares to a plan that a runtime can run.

    nodes    what a stream writes, each with its place in the program; `drawing` has the rules of
             a gen, `kinds` what kind of thing a setting is
    ir       a region as declared: streams, views as items, rules
    flatten  nested forks become streams of their region
    check    all checks, each a pure pass in a file that opens with its theory:
             writers, names, views, rules, waits, termination, constraints, budgets
    sharing  equal beginnings of views become one text, encoded once
    lower    a checked region to a region of a plan
    read     a plan that came from elsewhere
    explain  a plan to text for a reader, with the words of `phrases`
    show     a region before lowering to text, for tests

    declared ──▶ flatten ──▶ check ──▶ lower (sharing) ──▶ plan

Nothing here runs anything, keeps state, or knows how the language is spelled.
"""
