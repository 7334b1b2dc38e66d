"""Which checkpoint training goes on from."""

from pathlib import Path


def test_a_checkpoint_cut_off_while_it_was_written_is_passed_over(tmp_path: Path) -> None:
    from dsbs.training.trainer import last_checkpoint

    assert last_checkpoint(tmp_path) is None
    for step in (250, 1000):
        (tmp_path / f"checkpoint-{step}").mkdir()
    (tmp_path / "checkpoint-250" / "trainer_state.json").write_text("{}")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-250"
