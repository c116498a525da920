"""The fast way to decode a large model on a GPU."""
