"""Who answers. One file an engine; nothing is imported here, so that each engine's libraries load
only when it is used.
"""
