"""Loading: files to cells. Reads files; knows nothing of actions."""
