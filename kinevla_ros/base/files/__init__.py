"""Files on disk: read within bounds, checked, written in one step, locked."""
