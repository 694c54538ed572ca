"""Draws photo-like pictures of garments, for a sample wardrobe anybody may share."""
