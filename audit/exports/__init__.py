"""The formats of exports: each writes into a file that it is given, row by row."""
