"""Candidate teachers are ranked by what was measured, else by the law."""

from pathlib import Path

from support.planner import ask


def test_candidates_are_ranked_by_what_was_measured_else_by_the_law(tmp_path: Path) -> None:
    listed = tmp_path / "teachers.yaml"
    listed.write_text(
        "- {name: small, size: 2B, price_per_million_tokens: 0.1, accuracy: 0.7}\n"
        "- {name: right, size: 60B, price_per_token: 2.0e-6, accuracy: 0.6}\n"
        "- {name: huge, size: 5T, price_per_million_tokens: 30, accuracy: 0.8}\n"
    )
    results = ask("teacher", "--student", "770M", "--candidates", str(listed))
    by_name = {row["name"]: row for row in results["candidates"]}
    assert [row["name"] for row in results["candidates"]] == ["huge", "small", "right"]
    assert by_name["right"]["rank_scaling_law"] == 1
    assert by_name["small"]["rank_capacity_gap"] == 1
    assert by_name["right"]["price_per_million_tokens"] == 2
    listed.write_text(listed.read_text().replace(", accuracy: 0.7", ", loss: 3.0"))
    results = ask("teacher", "--student", "770M", "--candidates", str(listed))
    assert [row["name"] for row in results["candidates"]] == ["right", "huge", "small"]
    assert {row["name"]: row["loss_from"] for row in results["candidates"]}["small"] == "given"
