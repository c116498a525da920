"""Camera pictures: checked, cut to squares, compared with a reference."""
