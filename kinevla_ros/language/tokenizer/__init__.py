"""Words and codes as token ids."""
