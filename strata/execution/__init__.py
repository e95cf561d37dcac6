"""Execution: the action graph to results. Knows interfaces of executors and stores, never which."""
