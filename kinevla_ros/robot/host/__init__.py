"""This process on this computer: its priority, its children, that it drives the arm alone."""
