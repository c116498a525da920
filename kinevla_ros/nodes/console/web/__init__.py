"""The console's page and the server that gives it to browsers; knows nothing of the graph."""
