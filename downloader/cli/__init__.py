"""The command ``download``: its options, its subcommands, and its output on the terminal."""
