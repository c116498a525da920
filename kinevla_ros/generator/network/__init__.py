"""The network: vision, what locates the objects, and the language model."""
