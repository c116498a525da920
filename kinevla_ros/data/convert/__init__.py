"""Recordings of others, and bags, as datasets at 10 Hz that can be trained on."""
