"""What must happen, decided without AWS: standard library only, time is an argument."""
