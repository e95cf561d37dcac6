"""What the suites share: processes measured, graphs made, tables printed."""
