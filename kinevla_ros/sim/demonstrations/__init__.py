"""Demonstrations of every task in the cell, and datasets of them."""
