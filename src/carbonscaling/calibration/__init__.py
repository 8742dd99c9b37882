"""Constants that measurements have moved: the knobs, their fitted factors, and how they apply to a machine."""
