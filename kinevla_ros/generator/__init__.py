"""The generator: from images, joint state and instruction to reasoning and action codes."""
