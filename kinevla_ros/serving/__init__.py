"""The door for others: a policy over a websocket, in the protocol of OpenPI, either way."""
