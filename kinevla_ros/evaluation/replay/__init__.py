"""A recorded motion, sent again: does the gate let it pass, and how it was followed."""
