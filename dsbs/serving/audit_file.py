"""The audit of a contract on disk: it goes on after a restart, and a withdrawal stays."""

import json
import threading
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ValidationError

from dsbs.contracts.audit import Audit, AuditState
from dsbs.core.errors import InputError
from dsbs.core.files import check_writable, write_json
from dsbs.core.hashing import hash_file


class _Kept(BaseModel):
    contract: str
    """SHA-256 of the contract's file: another contract begins anew."""
    audited: int = 0
    different: int = 0
    log_wealth: float = 0.0
    withdrawn: bool = False
    recent: tuple[bool, ...] = ()


def audit_path(contract: Path) -> Path:
    """Where the audit of a contract lies: beside it."""
    return contract.with_name(f"{contract.stem}.audit.json")


class AuditFile:
    """Counts audited calls, and writes down each one before the next."""

    def __init__(self, contract: Path, budget: float) -> None:
        self.path = audit_path(contract)
        self._contract = hash_file(contract)
        self._audit = Audit(budget=budget, state=self._read())
        self._lock = threading.Lock()

    def check_writable(self) -> None:
        """Raise InputError where audited calls could not be written down."""
        check_writable(self.path, "--audit")

    @property
    def withdrawn(self) -> bool:
        """Whether the contract is withdrawn. It stays so until there is another."""
        return self._audit.withdrawn

    @property
    def state(self) -> AuditState:
        """What has been seen so far."""
        return self._audit.state

    def observe(self, different: bool) -> bool:
        """Count one audited call. True where it is the one that withdraws the contract."""
        with self._lock:
            before = self._audit.withdrawn
            self._audit.observe(different)
            write_json(self.path, {"contract": self._contract, **asdict(self._audit.state)})
            return self._audit.withdrawn and not before

    def _read(self) -> AuditState:
        if not self.path.is_file():
            return AuditState()
        try:
            kept = _Kept.model_validate(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, ValidationError) as error:
            fix = "get it from a copy, or make a new contract"
            raise InputError(self.path, got=error, expected="an audit", fix=fix) from None
        if kept.contract != self._contract:
            return AuditState()
        return AuditState(**kept.model_dump(exclude={"contract"}))
