"""torchtitan's job configuration: a plan written as TOML, and read back."""
