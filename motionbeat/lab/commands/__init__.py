"""The subcommands of `motionbeat` that need the laboratory; pyproject.toml registers them as entry points."""
