"""The command line: each command parses, calls one function and prints. Only what a command needs is imported."""
