"""Projects and pipelines that ship: published ones, every number with its source or called an assumption."""
