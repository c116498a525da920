"""What everyone speaks of: joint names, action chunk, observation."""
