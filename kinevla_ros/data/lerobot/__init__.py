"""LeRobotDataset v3: read, written, described."""
