"""The stack broken on purpose: kinds of faults, the rig, the run."""
