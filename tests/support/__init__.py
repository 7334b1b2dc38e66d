"""What tests of several packages share. Fixtures lie in the `conftest.py` files."""
