"""Golden tests: what the panel says, held against what it said, from recordings alone."""
