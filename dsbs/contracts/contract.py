"""The contract as a file: which calls a student may answer, and which student that is."""

import hashlib
import json
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from dsbs.artifacts.results.contract import ContractTerms, Identity
from dsbs.contracts.identity import identity_of
from dsbs.contracts.scores import base_score, stance, with_rationale
from dsbs.core.errors import InputError
from dsbs.core.files import write_json
from dsbs.core.records import Prediction
from dsbs.tasks.task import Task

CONTRACT = "contract.json"
SCHEMA_VERSION = 1
"""Raised whenever an older dsbs would misread a contract."""
_DIGEST = "sha256"
"""The key of the hash of all others."""


class Contract(ContractTerms):
    """A promise about the calls that a student answers locally. Frozen; stored as JSON."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a contract.

        Args:
            path: The file, or the folder of a run of `dsbs contract`.

        Raises:
            InputError: The file is missing, damaged, changed by hand, or newer than this dsbs.
        """
        file = contract_file(path)
        values = _read(file)
        version = values.get("schema_version")
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            got = f"schema version {version}"
            fix = "update dsbs to read it"
            raise InputError(file, got=got, expected=f"at most {SCHEMA_VERSION}", fix=fix)
        if values.pop(_DIGEST, None) != _digest(values):
            raise _damaged(file, "content that does not fit its own hash")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise _damaged(file, f"{where}: {first['msg']}") from None

    def save(self, path: Path) -> None:
        """Write the contract with a hash of its content."""
        values = self.model_dump(mode="json", include=set(ContractTerms.model_fields))
        write_json(path, {**values, _DIGEST: _digest(values)})

    @property
    def reads_rationales(self) -> bool:
        """Whether the score needs the student's rationale."""
        return self.rationale_weight != 0

    def score_of(self, prediction: Prediction, task: Task, choices: tuple[str, ...]) -> float:
        """The score of a prediction, from 0 to 1.

        Args:
            prediction: With scores, and with a rationale where the contract `reads_rationales`.
            task: The student's task.
            choices: The row's own options, for label kind `choice`.
        """
        closed = task.label.kind in ("class", "choice")
        base = base_score(self.score, prediction, closed=closed)
        if not self.reads_rationales:
            return base
        argues = stance(task.label.kind, prediction, task.allowed(choices))
        return with_rationale(base, argues, self.rationale_weight)

    def answers_locally(self, score: float, label: str | None) -> bool:
        """Whether a call with this score and label is the student's to answer.

        Never without a label, nor where no contract is possible.
        """
        if label is None or not self.holds:
            return False
        threshold = self.threshold
        if self.by_class:
            terms = self.per_class.get(label)
            threshold = terms.threshold if terms else None
        return threshold is not None and score >= threshold

    def check(self, identity: Identity, run: object = "STUDENT") -> None:
        """Refuse any student but the one that the contract was made for.

        Args:
            identity: That of the student at hand; see `identity_of`.
            run: Its place, for the command that makes a new contract.

        Raises:
            InputError: Some part of it is another.
        """
        names = type(identity).model_fields
        other = [name for name in names if getattr(identity, name) != getattr(self.identity, name)]
        if not other:
            return
        facts = [_fact(name, identity) for name in other]
        raise InputError(
            "--contract",
            got=f"a student with other {', '.join(facts)}",
            expected="the student that the contract was made for",
            fix=f"make a new one: {self.command(run)}",
        )

    def command(self, run: object) -> str:
        """The command that makes this contract for a student."""
        promise = f"--agree {self.agree:g} --confidence {self.confidence:g}"
        by_class = " --per-class" if self.by_class else ""
        return f"dsbs contract --run {run} {promise} --with {self.against}{by_class}"


def contract_file(path: Path) -> Path:
    """The file of a contract: itself, or that in the folder of a run of `dsbs contract`."""
    return path / CONTRACT if path.is_dir() else path


def own_contract(path: Path | None, checkpoint: Path, run: object) -> Contract | None:
    """The contract of a student; None without a path.

    Raises:
        InputError: It cannot be read, or was made for another student.
    """
    if path is None:
        return None
    contract = Contract.load(path)
    contract.check(identity_of(checkpoint), run)
    return contract


def _fact(name: str, identity: Identity) -> str:
    """A part that differs; what can be read of it too."""
    value = f" ({getattr(identity, name)})" if name in ("precision", "runtime") else ""
    return name + value


def _read(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(file, error) from None
    if not isinstance(values, dict):
        raise _damaged(file, "no object")
    return values


def _digest(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _damaged(file: Path, why: object) -> InputError:
    fix = "make it again with dsbs contract"
    return InputError(f"--contract {file}", got=why, expected="a contract of dsbs", fix=fix)
