"""`python -m fluxtune` is the command line."""

from fluxtune.cli.main import main

main()
