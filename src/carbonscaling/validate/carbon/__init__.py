"""Whole trainings: energy, carbon and device-hours against what was published."""
