"""Batches of vendors: half the price, within a day."""
