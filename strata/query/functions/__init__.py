"""One query function a file: `deps(...)` is `deps.py`. Each has

    a docstring                     whose first line says how it is written, and what it answers
    ARGUMENTS: tuple[Argument, ...] what it takes, in order
    OPTIONAL: int                   how many of them, from the end, may be left out
    UNIVERSE: bool                  MAY be left out; True: every notebook is loaded for it
    FIRST_SET: str                  MAY be left out; the pattern that its first set is where the
                                    words of a command line give it only one
    def call(graph, *arguments)     the nodes it answers, as a `Nodes`; MAY raise `ArgumentError`

Behind its last set a function takes at most an `Argument.DEPTH`. It MUST NOT change the graph, and
MUST end on graphs with cycles. Walks along edges MUST go through `QueryGraph.walk`, or give only
what `QueryGraph.only_shown` gives. Third parties join through the entry point group `strata.query`.
"""
