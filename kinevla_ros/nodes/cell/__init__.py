"""The cell node."""
