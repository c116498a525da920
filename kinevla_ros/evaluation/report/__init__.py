"""Figures, plots, pages and videos of what was measured."""
