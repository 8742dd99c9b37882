"""Shipped data with its schema and sources; feeds every layer with values."""
