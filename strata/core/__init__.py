"""The ground floor: frozen values and pure functions that every phase shares.

Knows no file, clock, thread, process or socket; imports the standard library and blake3.
"""
