"""Analysis: cells to the action graph. Pure: no file, clock, thread or process."""
