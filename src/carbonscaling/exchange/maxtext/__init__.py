"""MaxText's configuration: a plan written as YAML, and read back from YAML or from a script's KEY=VALUE words."""
