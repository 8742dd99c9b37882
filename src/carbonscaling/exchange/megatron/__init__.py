"""Megatron-LM's arguments: written, and understood; Megatron-Bridge has the same names."""
