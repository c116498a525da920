"""Scripted demonstrations of every way, one family a file: feedback from the world's state."""
