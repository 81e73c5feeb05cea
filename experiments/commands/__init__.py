"""One verb a file: its module docstring opens `verb: what it does`, and it exposes a click command named `command`."""
