"""The composition root: parses the command line, opens the workspace, puts the parts together.

The only place that reads flags, environment variables, the clock and the current folder.
"""
