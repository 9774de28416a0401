"""The numbers that this project claims, each beside what it is compared with: `make bench`, docs/performance.md."""
