"""One form of output a file: `--output=label_kind` is `label_kind.py`. Each has

    a docstring                          whose first line says what it prints
    def write(answer) -> Iterator[str]   the lines, without their ends, for an `Answer`

What is printed MUST be the same on every run over the same workspace and the same records. Every
kind of node MUST be taken, and cycles; time and size MUST be linear. `tests/query/test_outputs.py`
says so of each file here. Modules that begin with `_` are shared by several.
"""
