"""The command ``download``: options, subcommands, and what is shown on the terminal."""
