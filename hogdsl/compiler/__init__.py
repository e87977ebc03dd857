"""The compiler: from what a program declares to a plan that a runtime can run.

    nodes   what a stream writes, each with its place in the program
    ir      a region as declared: streams, views as items, rules
    check   all checks, each a pure pass in a file that opens with its theory:
            writers, names, views, waits, termination
    lower   a checked region to a region of a plan
    explain a plan to text for a reader

Nothing here runs anything, keeps state, or knows how the language is spelled.
"""
