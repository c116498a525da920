"""What starts and drives several nodes: launcher, demo, trials, fault injection."""
