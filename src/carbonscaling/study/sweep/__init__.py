"""Studies of any size: a study file, its cases, shards of results that are never lost, and what is asked of them."""
