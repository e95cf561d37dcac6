"""How values are written; the name of a codec is the file. See `values`."""
