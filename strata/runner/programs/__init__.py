"""What the runner can run; the name of a program is the file.

A program is a module with `run(arguments, inputs, channel, scratch) -> None`: `arguments` as in
the `run` frame, `inputs` a list of `StoredValue`, `scratch` a folder for outputs too large to
send. It raises `session.Failed` where what it ran failed.
"""
