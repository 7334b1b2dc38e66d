"""A run folder while its command runs: locked, with a manifest. Nothing is ever deleted."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Generic

from dsbs.artifacts.lock import locked
from dsbs.artifacts.manifest import (
    MANIFEST,
    STAGES,
    FileRecord,
    Manifest,
    R,
    manifests_below,
    read_manifest,
    relative_to,
)
from dsbs.artifacts.results.base import Status
from dsbs.artifacts.same_run import changed_inputs, check_same, contents, is_continued
from dsbs.artifacts.surroundings import surroundings
from dsbs.config.base import StageConfig
from dsbs.core import output
from dsbs.core.errors import InputError, one_line
from dsbs.core.failures import explained, explaining
from dsbs.core.files import write_text
from dsbs.core.progress import is_main_process

SERVER_LOG = "server.log"
"""What a server printed that was started for the run."""
RUN_LOG = "run.log"
"""What engines and libraries printed."""


class Run(Generic[R]):
    """An open run folder. `finished` holds the results where the run was done before."""

    def __init__(self, path: Path, manifest: Manifest[R], finished: R | None = None) -> None:
        self.path = path
        self.manifest = manifest
        self.finished = finished
        self._started = (time.monotonic(), time.process_time())
        self._before = (manifest.wall_s, manifest.cpu_s)

    def finish(self, results: R, outputs: Iterable[Path] = (), status: Status = "done") -> None:
        """Write the results with their status. A run that is done gets its place among the runs."""
        self.manifest.results = results
        self.manifest.status = status
        self.manifest.problem = ""
        self.manifest.outputs = [FileRecord.of(path, self.path) for path in outputs]
        self._measure()
        if status == "done":
            self.manifest.finished = datetime.now().astimezone()
            self.manifest.sequence = 1 + max(_sequences(self.path.parent), default=0)
        self.write()

    def _measure(self) -> None:
        """Add the time of this start to that of earlier ones."""
        self.manifest.wall_s = round(self._before[0] + time.monotonic() - self._started[0], 3)
        self.manifest.cpu_s = round(self._before[1] + time.process_time() - self._started[1], 3)

    def write(self) -> None:
        """Write the manifest as it is. Under torchrun only the main process does."""
        if is_main_process():
            text = self.manifest.model_dump_json(indent=1)
            write_text(self.path / MANIFEST, text)

    def end(self, status: Status, problem: str = "") -> None:
        """State how the run has ended that has no results, also on a disk without room for a file.

        A run that has got to an end before keeps its status.
        """
        if self.manifest.status != "started":
            return
        self._measure()
        self.manifest.status = status
        self.manifest.problem = problem
        try:
            self.write()
        except OSError:
            _replace_status(self.path / MANIFEST, status)


@contextlib.contextmanager
def open_run(
    path: Path,
    results: type[R],
    config: StageConfig,
    inputs: Iterable[Path] = (),
    *,
    takes_new_inputs: bool = False,
    task_file: Path | None = None,
    answers: Sequence[Path] = (),
    goes_on: Callable[[R], None] | None = None,
) -> Iterator[Run[R]]:
    """Start a run in a new folder, or go on with the same run in an old one; hold its lock.

    The same command with the same settings continues. Once it is done, `finished` holds its
    results, unless the inputs have changed and the command `takes_new_inputs`. A setting that names
    an input may change as long as the content of all inputs is the same. With `goes_on`, a setting
    that `Continues` a run may change once it is done: `goes_on` gets the results so far, and may
    raise InputError before anything is written.

    However the block ends, the manifest says so: `failed` after an error, `stopped` after a signal.

    Raises:
        InputError: The folder holds anything else, or another process has it open. It also takes
            the place of every error of the block that people can mend; see `core.failures`.
    """
    _make_folder(path)
    with locked(path):
        old = _earlier(path)
        files = [FileRecord.of(file, path) for file in inputs]
        stage = next(name for name, model in STAGES.items() if model is results)
        changed = old is not None and contents(files) != contents(old.inputs)
        longer = old is not None and goes_on is not None and is_continued(old, config)
        if old is not None:
            check_same(path, old, stage, config, changed=changed, continued=longer)
            if changed and not takes_new_inputs:
                raise changed_inputs(path, old, files)
        if longer and old is not None and goes_on is not None:
            goes_on(old.final)
        elif old is not None and old.status == "done" and not changed:
            # For a command that goes on all the same, as generate does with more rows.
            old.config = config.resolved()
            with output.logged(path / RUN_LOG):
                yield Run(path, old, finished=old.results)
            return
        manifest = Manifest[results](  # type: ignore[valid-type]
            stage=stage,
            config=config.resolved(),
            inputs=files,
            task_file=FileRecord.of(task_file, path) if task_file else None,
            data=relative_to(data, path) if (data := getattr(config, "data", None)) else "",
            answers=[relative_to(folder, path) for folder in answers],
            wall_s=old.wall_s if old else 0.0,
            cpu_s=old.cpu_s if old else 0.0,
            **surroundings(),
        )
        run = Run(path, manifest)
        with explaining(path):
            run.write()
            with _status_at_its_end(run), output.logged(path / RUN_LOG):
                yield run


@contextlib.contextmanager
def _status_at_its_end(run: Run[R]) -> Iterator[None]:
    """Write how a run has ended that did not finish."""
    try:
        yield
    except Exception as error:
        known = explained(error, run.path)
        run.end("failed", one_line(known or f"{type(error).__name__}: {error}"))
        raise
    except BaseException:  # Ctrl-C, SIGTERM
        run.end("stopped")
        raise


def _replace_status(path: Path, status: Status) -> None:
    """Change the status in place: the file keeps its size, so a full disk has room for it."""
    before = b'"status": "started"'
    after = f'"status": "{status}"'.encode().ljust(len(before))
    with contextlib.suppress(OSError, ValueError), path.open("r+b") as file:
        at = file.read().index(before)
        file.seek(at)
        file.write(after)


def _make_folder(path: Path) -> None:
    if path.is_file():
        raise InputError(path, got="a file", expected="a folder", fix="choose another --out")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            path, got=error.strerror, expected="a folder to write to", fix="choose another --out"
        ) from None


def _earlier(path: Path) -> Manifest[Any] | None:
    """The manifest of the run in the folder; None where the folder counts as empty.

    A start that was killed leaves hidden files, logs, and perhaps a first manifest that was cut
    off: such a folder counts as empty.
    """
    others = {file.name for file in path.iterdir() if not file.name.startswith(".")}
    started_only = others <= {MANIFEST, SERVER_LOG, RUN_LOG}
    try:
        found = read_manifest(path) if MANIFEST in others else None
    except InputError:
        if started_only:
            return None
        raise
    if found is None and not started_only:
        names = ", ".join(sorted(others)[:5])
        expected = "a new or empty folder, or a run of dsbs"
        raise InputError(
            path, got=f"a folder that holds {names}", expected=expected, fix="choose another --out"
        )
    without_results = found is None or (started_only and found.results is None)
    return None if without_results else found


def _sequences(root: Path) -> Iterator[int]:
    for _, manifest in manifests_below(root):
        if isinstance(manifest, Manifest):
            yield manifest.sequence
