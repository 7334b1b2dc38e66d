"""What every room uses: records, errors, progress, files, hashes."""
