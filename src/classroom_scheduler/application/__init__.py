"""Use cases over ports: what the functions do, without AWS, a clock or a network."""
