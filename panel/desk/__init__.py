"""The desk: what editors do with takes after a review. Stale seats, retakes, edits, history, approval, inbox."""
