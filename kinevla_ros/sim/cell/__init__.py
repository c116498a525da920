"""The simulated cell: world, scenes, cameras and the judge."""
