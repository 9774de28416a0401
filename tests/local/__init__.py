"""What runs the stack on one machine."""
