"""Trials in the cell: episodes, conditions and interventions."""
