"""Classroom Scheduler: a classroom written to a table is recorded on time, whatever anybody edits meanwhile."""
