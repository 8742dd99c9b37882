"""Measured servings: rows become questions, and what is answered is scored."""
