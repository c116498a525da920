"""From action chunks to one smooth joint target per tick, and the state machine around it."""
