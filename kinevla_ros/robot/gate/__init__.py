"""The safety gate: what must hold before anything reaches the arm."""
