"""A whole project: stages, each answered by `estimate` or `inference`, added up with the errors that they share."""
