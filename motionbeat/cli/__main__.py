"""`python -m motionbeat.cli`: the command where it is not installed as a script."""

from motionbeat.cli.app import main

main()
