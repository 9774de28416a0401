"""Events in: classes that other systems book."""
