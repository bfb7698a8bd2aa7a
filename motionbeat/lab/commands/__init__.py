"""The subcommands of `motionbeat` that need the laboratory; they are entry points in pyproject.toml."""
