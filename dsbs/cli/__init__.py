"""The command line: flags from configuration models, one-line errors."""
