"""What no request can change about a server is reported before the first."""

import pytest

from dsbs.core.errors import InputError
from support.farm import Farm
from support.served_farm import Serve, ask


def test_what_no_request_can_change_is_told_at_once(
    farm: Farm, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"--base-url http://127.0.0.1:9/v1: got no connection: "):
        ask(farm, "http://127.0.0.1:9/v1")
    with pytest.raises(InputError, match=r"--teacher modle: .* did you mean 'model'"):
        ask(farm, serve(), teacher="modle")
    monkeypatch.setenv("DSBS_API_KEY", "wrong-secret")
    with pytest.raises(InputError, match="set DSBS_API_KEY") as caught:
        ask(farm, serve("--key", "right-secret"))
    assert "secret" not in str(caught.value).replace("no such key", "")
    monkeypatch.setenv("DSBS_API_KEY", "right-secret")
    assert ask(farm, serve("--key", "right-secret"))["new"] == 72
    for path in (farm.folder / "asked").rglob("*"):
        assert path.is_dir() or b"right-secret" not in path.read_bytes(), path


def test_a_server_that_ignores_a_schema_is_refused(farm: Farm, serve: Serve) -> None:
    with pytest.raises(
        InputError, match="got free text; expected an answer that follows a JSON schema"
    ):
        ask(farm, serve(), zero_shot=True)
