"""Words for recordings: what was done, and how, read from the motion and shown to a person."""
