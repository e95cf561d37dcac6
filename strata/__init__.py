"""Strata: an incremental build engine for data and ML notebooks.

Importing this package imports nothing else: the entry point decides what a command needs.
"""

__version__ = "0.1.0"
