"""The benchmark of movement primitives on handwriting."""
