"""Whether a policy knows when it is about to fail."""
