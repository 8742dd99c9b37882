"""The model held to measurements: replay, calibration, cross-validation, intervals."""
