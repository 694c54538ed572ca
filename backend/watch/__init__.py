"""Seeing it run: what is so now (`readings`), whether each part works (`checks`)."""
