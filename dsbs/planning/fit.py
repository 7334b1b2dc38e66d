answer=tables=charts=None
