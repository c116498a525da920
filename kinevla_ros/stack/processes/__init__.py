"""Nodes as processes: started in order, kept apart from others, stopped in order."""
