"""Engines: one way to run chunks a file, found by the name of the file."""
