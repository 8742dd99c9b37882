"""One step of a plan on the clock: which stage does what when, as a trace and as a picture."""
