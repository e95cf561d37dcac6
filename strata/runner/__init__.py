"""The program that runs one cell in the notebook's own environment.

It is started by path (`python .../strata/runner/__main__.py FD`) under whatever interpreter the
notebook has, Python 3.9 or later, so it imports the standard library only and as little of that
as it can: a light cell must not pay for `re`, `typing` or `json`. Inside, it is the package
`_strata_runner`: nothing called `strata` is importable for a cell.

    __main__, session    how the process starts, runs one program and ends
    channel, wire        frames on the control socket, and the JSON in them
    programs/            what can be run: `cell` is the Python cell; the name is the file
    sandbox              what the process may reach of the workspace and of the network
    inputs, outputs      values in, values out
    values, codecs/      values to bytes and back; the name of a codec is the file
    reducing, made       what pickle would not store, or not rightly
    layouts              arrays, frames and columns in one layout
    canonical, pickled   one pickle for equal values
    sharing, changes     which values have parts in common, and which were changed in place
    definitions          functions and classes of other cells, built from their source
    sources              their text, for tracebacks and `inspect`
    displays, figures    what a cell shows
    failures             what is said when it fails
    summaries            a short text about a value

It knows nothing of keys, caches, labels or the graph: a frame says what to run, frames say what
came of it.
"""
