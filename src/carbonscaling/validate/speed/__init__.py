"""Speed of training runs: replayed, fitted, left out, with intervals."""
