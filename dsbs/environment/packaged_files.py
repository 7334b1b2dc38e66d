"""Files without code that belong to dsbs: prompts, pipelines, the quickstart's assets."""

from dsbs.core.files import packaged

PACKAGED = (
    *(f"prompts/{task}.yaml" for task in ("anli1", "asdiv", "cqa", "esnli", "quickstart", "svamp")),
    *(
        f"pipelines/{name}.yaml"
        for task in ("anli1", "cqa", "esnli", "svamp")
        for name in (task, f"{task}-methods", f"{task}-teachers")
    ),
    "pipelines/quickstart.yaml",
    "pipelines/svamp-asdiv.yaml",
    *(f"quickstart/data/{split}.jsonl" for split in ("train", "validation", "test")),
    *(
        f"quickstart/{model}/{file}"
        for model in ("teacher", "student")
        for file in (
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
        )
    ),
    "planning/page.html.j2",
    "plots/macros.html.j2",
    *(f"reporting/{name}" for name in ("page.css", "page.html.j2", "page.js", "published.yaml")),
)
"""Names as `dsbs.core.files.packaged` takes them."""


def missing_files() -> list[str]:
    """The files that are missing or empty, as after an installation that was cut off."""
    return [name for name in PACKAGED if not _there(name)]


def _there(name: str) -> bool:
    path = packaged(name)
    return path.is_file() and path.stat().st_size > 0
