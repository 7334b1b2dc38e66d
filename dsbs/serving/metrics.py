"""What the server counts, for Prometheus."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Counters of one server, in a registry of their own.

    Those with labels are functions of them: to look one up costs more than to count.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        own = self._registry
        calls = Counter("dsbs_calls", "Calls", ["route", "status"], registry=own)
        self.calls = cache(calls.labels)
        seconds = Histogram(
            "dsbs_call_seconds", "Time of a call", ["route"], buckets=_SECONDS, registry=own
        )
        self.seconds = cache(seconds.labels)
        rows = Counter("dsbs_rows", "Rows, by who answered", ["source"], registry=own)
        self.rows = cache(rows.labels)
        self.batches = Histogram("dsbs_batch_rows", "Rows of a batch", buckets=_ROWS, registry=own)
        self.waiting = Gauge("dsbs_waiting_rows", "Rows that wait for the student", registry=own)
        self.no_answer = Counter(
            "dsbs_teacher_no_answer", "Rows that the teacher did not answer", registry=own
        )
        self.unusable = Counter(
            "dsbs_teacher_unusable",
            "Of those: rows whose answer by the teacher has no usable label",
            registry=own,
        )
        self.audited = Gauge("dsbs_audited", "Audited calls under this contract", registry=own)
        self.different = Gauge(
            "dsbs_audited_different",
            "Of those: answered locally and differently",
            registry=own,
        )
        self.withdrawn = Gauge("dsbs_contract_withdrawn", "1: withdrawn", registry=own)
        shadow = Counter(
            "dsbs_shadow_rows",
            "Rows that the student would have answered",
            ["agrees"],
            registry=own,
        )
        self.shadow = cache(shadow.labels)

    def text(self) -> bytes:
        """All of them in Prometheus' own format."""
        return generate_latest(self._registry)
