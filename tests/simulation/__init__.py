"""A small simulation of what AWS documents, on a virtual clock: no sleeping, no threads, the same run every time."""
