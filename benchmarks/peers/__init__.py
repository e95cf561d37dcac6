"""The tools that are measured, one file each. `ALL` is the order of the tables."""
