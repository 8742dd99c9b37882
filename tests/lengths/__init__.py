"""Training lengths that files suggest, beside published ones: ``python -m lengths`` with ``tests`` on the path."""
