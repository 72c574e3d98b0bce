"""Publish: the comparison that two records make, the pages that people read, and the site that they are part of."""
