"""The catalogue: many tools in one run, with the same review for each."""
