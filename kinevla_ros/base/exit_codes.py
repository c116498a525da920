"""Exit codes of the commands."""

INTERRUPTED = 130
"""Of a program that Ctrl-C has ended, as shells give it."""
