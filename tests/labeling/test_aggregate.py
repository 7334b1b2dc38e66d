"""What becomes of several answers to one row, without another request."""

import pyarrow.parquet as pq

from support.farm import Farm
from support.served_farm import Serve, ask


def test_long_rationales_are_capped_on_request_without_asking_again(
    farm: Farm, serve: Serve
) -> None:
    url = serve()
    assert ask(farm, url)["splits"]["train"]["rationale_words"]["mean"] == 3
    capped = ask(
        farm,
        url,
        out=farm.folder / "capped",
        store=farm.folder / "asked" / "answers.sqlite",
        max_rationale_words=2,
    )
    assert (capped["new"], capped["splits"]["train"]["rationale_words"]["capped"]) == (0, 64)
    rows = pq.read_table(farm.folder / "capped" / "data" / "train.parquet").to_pylist()
    assert {row["rationale"] for row in rows} == {"It has"}
