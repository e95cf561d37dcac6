"""One query function a file: `deps(...)` is `deps.py`. Each has

    ARGUMENTS: tuple[type, ...]     what it takes, in order: `Labels` or `int`; the last MAY be
    OPTIONAL: int                   how many of them, from the end, may be left out
    def call(graph, *arguments)     the labels it answers, in any order

Third parties join through the entry point group `strata.query`.
"""
