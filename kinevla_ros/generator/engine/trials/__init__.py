"""What an engine tries at its start on a GPU: what is right there, and what is faster."""
