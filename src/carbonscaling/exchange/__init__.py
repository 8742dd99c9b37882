"""Files that other programs read and write: launch settings, workloads of simulators, timelines, pictures of a plan."""
