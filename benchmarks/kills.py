"""What SIGKILL costs a run of `generate`: requests that are asked again, by the server's speed.

    python benchmarks/kills.py

A server on loopback answers after a fixed delay, one prompt per request. Each run is killed several
times while answers arrive, and then ends. Of what the server got, everything beyond once is a
request that a kill cost.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.farm import Farm  # noqa: E402
from support.served_farm import flags, seen  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delays", default="0.002,0.03,0.3,2", help="seconds per answer")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=8, help="requests in flight")
    options = parser.parse_args()
    print(
        "| seconds per answer | answers per second | kills | asked again | of them not in flight |"
    )
    print("|---|---|---|---|---|")
    for delay in map(float, options.delays.split(",")):
        print(measure(delay, options.kills, options.concurrency), flush=True)


def measure(delay: float, kills: int, concurrency: int) -> str:
    """A row of the table."""
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        per_second = min(concurrency / delay, 300)
        farm = Farm(folder, sounds=int(per_second * (kills + 2) / 14) + 4)
        log = folder / "seen"
        server = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "tests" / "support" / "loopback.py"),
                *("--log", str(log), "--delay", str(delay)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        given = [*flags(farm, url), "--api", "completions", "--out", folder / "out"]
        given += ["--concurrency", concurrency, "--prompts-per-request", 1]
        command = [sys.executable, "-m", "dsbs.generate", *map(str, given)]
        rates = []
        for _ in range(kills):
            before = sum(seen(log).values())
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            while (first := sum(seen(log).values())) <= before + concurrency:
                time.sleep(0.01)
            seconds = rng.uniform(0.3, 1.0) * max(1.0, delay)
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
            process.wait()
            rates.append((sum(seen(log).values()) - first) / seconds)
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        counts = seen(log)
        server.kill()
        server.wait()
    again = sum(counts.values()) - len(counts)
    beyond = max(0, again - kills * concurrency)
    return f"| {delay:g} | {fmean(rates):,.0f} | {kills} | {again} | {beyond} |"


if __name__ == "__main__":
    main()
