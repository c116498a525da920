"""Trials in LIBERO's world."""
