"""Random files and questions: each ends in an answer or in an error that says what to do, never in a traceback.

``python -m fuzz`` (with ``tests`` on the path) runs them all; ``python -m fuzz NAME --seed N --cases 1`` repeats one.
"""
