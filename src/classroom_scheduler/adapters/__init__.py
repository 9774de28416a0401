"""The only place that talks to AWS and to the classroom server."""
