"""OpenVLA-7B as a generator."""
