"""Workloads of the simulator SimAI, as AICB writes them: a plan as one, and one as a run with measured times."""
