"""Running the trials: their account, their progress, their file."""
