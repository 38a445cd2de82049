"""What it costs to share a list among machines, and what follows for lists that none could hold."""
