"""Serving a model: prefill and decode on the silicon that trains it, sequences in flight, watts and energy a token."""
