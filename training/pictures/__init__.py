"""Synthetic pictures with text in them, for training and for scoring the text detector."""
