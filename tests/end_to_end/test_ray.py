"""Ray: the teacher's engines and a comparison's students on a cluster, one machine of which is lost
on the way.
"""

import pytest

pytest.importorskip("ray", reason="Ray is not installed; make test installs it")
pytest.importorskip("torch")

import contextlib
import importlib.util
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import ray
from ray.cluster_utils import Cluster

from dsbs import api
from dsbs.generate import STORE
from support.farm import Farm
from support.tiny_teacher import fit_teacher
from support.zoo import Zoo

needs_vllm = pytest.mark.skipif(
    importlib.util.find_spec("vllm") is None, reason="vLLM is not installed"
)

SMALL = {"object_store_memory": 100 * 2**20, "include_dashboard": False}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A head that only keeps the books, as in a real cluster."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **SMALL})
    yield made
    ray.shutdown()
    made.shutdown()


def rows(out: Path) -> dict[str, dict[str, Any]]:
    return {
        row["id"]: row
        for path in (out / "data").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    }


def stored(out: Path) -> dict[str, list[Any]]:
    """Every answer in the store of a run, by its key."""
    with contextlib.closing(sqlite3.connect(out / STORE)) as store:
        asked = "SELECT key, text, finish_reason, prompt_tokens, completion_tokens, error FROM completions"
        return {key: said for key, *said in store.execute(asked)}


def kill_in_the_middle(cluster: Cluster, progress: Path, killed: list[int]) -> None:
    """Once 100 rows are answered: SIGKILL for a machine whose engine is at work. `killed` gets the
    number of answers.
    """
    while True:
        time.sleep(0.05)
        answered = json.loads(progress.read_text())["new"] if progress.is_file() else 0
        for node in cluster.worker_nodes if answered >= 100 else ():
            (raylet,) = node.all_processes["raylet"]
            workers = psutil.Process(raylet.process.pid).children()
            if any(
                "Replica" in (title := " ".join(w.cmdline())) and "submit" in title for w in workers
            ):
                cluster.remove_node(node, allow_graceful=False)
                killed.append(answered)
                return


@needs_vllm
@pytest.mark.slow
def test_every_row_is_answered_once_though_a_machine_is_lost(
    cluster: Cluster, tmp_path: Path
) -> None:
    zoo = Zoo(tmp_path / "zoo", places=21)
    fit_teacher(zoo, tmp_path / "teacher")
    zoo.write(zoo.rows[:500])
    for _ in range(2):
        cluster.add_node(num_cpus=1, **SMALL)
    shared: dict[str, Any] = {
        "task": str(zoo.task),
        "data": zoo.data,
        "teacher": str(tmp_path / "teacher"),
        "dtype": "float32",
    }
    shared |= {"splits": "train,validation,test", "max_new_tokens": 32}
    progress, killed = tmp_path / "progress.json", list[int]()
    killer = threading.Thread(
        target=kill_in_the_middle, args=(cluster, progress, killed), daemon=True
    )
    killer.start()
    on_ray = {
        "engine": "ray",
        "ray_address": cluster.address,
        "concurrency": 32,
        "progress_json": progress,
    }
    on_ray |= {"request_timeout": 5}
    results = api.generate(**shared, **on_ray, out=tmp_path / "ray")
    killer.join(1)
    assert killed
    assert 100 <= killed[0] < 500
    assert (results["new"], results["reused"], results["failed"]) == (500, 0, 0)
    found = stored(tmp_path / "ray")
    assert len(found) == 500
    labelled = rows(tmp_path / "ray")
    assert len(labelled) == 500
    assert sum(row["correct"] for row in labelled.values()) >= 375

    # The engine is not in the key: an engine of another kind has nothing left to do, and vLLM alone
    # says the same.
    again = api.generate(
        **shared, engine="transformers", store=tmp_path / "ray" / STORE, out=tmp_path / "again"
    )
    assert (again["new"], again["reused"]) == (0, 500)
    api.generate(**shared, engine="vllm", max_rows=8, out=tmp_path / "vllm")
    alone = stored(tmp_path / "vllm")
    assert len(alone) == 24
    assert alone == {key: found[key] for key in alone}


def test_cells_are_trained_on_a_cluster_as_they_are_here(
    cluster: Cluster, farm: Farm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing has a gold label, so the cell of gold labels fails, and is told by Ray and by the
    comparison.
    """
    farm.data.write_text(
        "animal,sound\n" + "".join(f"{r['animal']},{r['sound']}\n" for r in farm.rows)
    )
    farm.generate()
    cluster.add_node(num_cpus=2, **SMALL)
    quick = {"max_steps": 4, "batch_size": 8, "eval_every": 4, "max_target_tokens": 24}
    quick |= {"answers": farm.folder / "answered", "methods": "standard", "labels": "gold,teacher"}
    quick |= {"baselines": ""}
    alone = api.compare(**quick, out=tmp_path / "alone")
    capsys.readouterr()
    spread = api.compare(
        **quick, out=tmp_path / "spread", launcher="ray", ray_address=cluster.address
    )
    told = capsys.readouterr().err
    kept = ("name", "status", "teacher_agreement", "steps", "error")
    assert [[c.get(k) for k in kept] for c in spread["cells"]] == [
        [c.get(k) for k in kept] for c in alone["cells"]
    ]
    failed, trained = spread["cells"]
    assert failed["status"] == "failed"
    assert f"{failed['name']}: error: " in told
    assert f"{trained['name']}: trained" in told
    assert told.count("is done already") == 2  # trained and measured over there
