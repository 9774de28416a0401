"""Classrooms and one-time invocations over HTTP."""
