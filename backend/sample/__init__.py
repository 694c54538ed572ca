"""The sample wardrobe, drawn: to try things on without photos of one's own. Owns pictures; owns no batch."""
