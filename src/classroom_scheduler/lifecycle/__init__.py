"""Events out: what became of each class."""
