"""Training of the bi-level codec."""
