"""README, start page and how-tos, word for word, as somebody does who has just cloned the repository."""
