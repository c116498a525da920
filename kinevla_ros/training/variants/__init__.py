"""Training of baselines and ablations."""
