"""Execution traces of Chakra: a step of a plan, node by node, for the simulators that read them."""
