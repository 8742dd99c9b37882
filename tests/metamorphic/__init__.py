"""Random scenarios with every option on, and what their answers must agree on whatever the numbers are.

``python -m metamorphic --cases N --seed S`` (with ``tests`` on the path) answers N scenarios from the seed S on.
"""
