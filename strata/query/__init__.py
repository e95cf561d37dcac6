"""Questions about the graph of cells. Never builds, and never runs a line of user code."""
