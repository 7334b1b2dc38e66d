"""Several servers share the work."""

from pathlib import Path

from support.farm import Farm
from support.served_farm import Serve, ask, seen


def test_several_servers_share_the_work(farm: Farm, serve: Serve, tmp_path: Path) -> None:
    logs = [tmp_path / "a", tmp_path / "b"]
    urls = ",".join(serve("--log", log, "--delay", "0.05") for log in logs)
    assert ask(farm, urls, prompts_per_request=2)["new"] == 72
    counts = [sum(seen(log).values()) for log in logs]
    assert sum(counts) == 72
    assert min(counts) > 15
