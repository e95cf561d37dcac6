"""Where bytes, results and runs are kept; see `base` for the interfaces."""
