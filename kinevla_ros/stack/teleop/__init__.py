"""A person moves the arm: by a leader arm, a gamepad, keys, or with the hand on it."""
