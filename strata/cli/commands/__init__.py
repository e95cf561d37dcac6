"""One file a command; each has a `command`. The name is the file."""
