"""The command line: `app` has the command, each other module a subcommand."""
