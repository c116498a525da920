"""The engine measured: its stages, the machine's floors, other ways to generate."""
