"""Log lines of bounded length and number, and the core's log through the node's."""
