"""How words and codes are written: constrained, verified, checked for consistency."""
