"""The core for programs and notebooks: what one setting, or a whole array of them, takes on nouns that one can hold."""

__all__: list[str] = []
