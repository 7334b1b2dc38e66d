"""One meaning written in several ways, and labels that are written in any of them."""

from dsbs.tasks.labels import LabelKind

WRITINGS: dict[LabelKind, dict[str, tuple[str, ...]]] = {
    "equation": {
        "12": ("12", "12.0", "( 7 + 5 )", "( 36 / 3 )"),
        "13": ("13", "13.00", "( 10 + 3 )"),
        "-1": ("-1", "( 2 - 3 )", "-1.0"),
    },
    "text": {
        "paris": ("Paris", "paris.", "**Paris**", '"PARIS"'),
        "rome": ("Rome", "ROME.", "rome"),
        "7": ("7", "7.0", "007"),
    },
    "class": {"yes": ("yes", "Yes", " YES"), "no": ("no", "No"), "maybe": ("maybe", "MAYBE")},
}
"""By kind and meaning."""
