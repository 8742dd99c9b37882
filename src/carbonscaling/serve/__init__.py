"""The planner in a browser, and the same answers by HTTP: ``carbonscaling serve``. Needs the extra ``serve``."""
