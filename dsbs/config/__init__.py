"""The settings of every command, one file per family."""
