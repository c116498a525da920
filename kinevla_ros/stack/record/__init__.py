"""`kinevla record`: episodes by keys, with what comes and what is lost in view."""
