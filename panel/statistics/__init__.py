"""Figures over a catalogue: how each critic votes, how far critics agree, and how alike they write."""
