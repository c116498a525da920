"""Training of the codec and of the generator."""
