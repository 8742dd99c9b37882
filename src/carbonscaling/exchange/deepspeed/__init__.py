"""DeepSpeed's configuration: a plan written as JSON, and read back."""
