"""What `kinevla check` finds wrong with a dataset: every part held against the others."""
