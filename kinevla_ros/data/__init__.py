"""Demonstrations: the episode type and LeRobotDataset v3.0 on disk."""
