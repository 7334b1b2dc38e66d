"""What dsbs runs in: installed packages, devices, and whether they fit together."""
