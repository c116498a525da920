"""Variants of the recipe, trained and compared."""
