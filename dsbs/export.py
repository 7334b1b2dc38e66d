"""Export a student for another run-time, and prove that its labels are the same.

    python -m dsbs.export --run runs/cqa-dss --to ctranslate2 --quantize int8 --out exports/cqa
    python -m dsbs.export --run runs/cqa-dss --to onnx --json

Leaves a folder that `predict`, `evaluate`, `contract` and `serve` take as they take a run. Where
more labels differ than --max-flips, it leaves the comparison alone and exits with code 1.
"""

from dsbs.artifacts.results.export import ExportResult, Latency
from dsbs.artifacts.run_folder import open_run
from dsbs.artifacts.student_card import checkpoint_of, read_card
from dsbs.cli.stage import Stage
from dsbs.config.export import ExportConfig
from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.core.require import check_installed
from dsbs.core.tables import table
from dsbs.evaluation.run import default_out
from dsbs.exporting.targets import route_of

_SHOWN = 10
"""Rows whose label differs that are printed; the manifest has all."""


def export(config: ExportConfig) -> ExportResult:
    """Convert, compare and measure. Raises InputError for a student that has no such export."""
    check_installed("torch", "transformers", extra="train", needed_by="dsbs export")
    checkpoint = checkpoint_of(config.run)
    card = read_card(checkpoint)
    if card.export is not None:
        raise InputError(
            config.run,
            got="an export",
            expected="a student as training left it",
            fix="name the run of dsbs train",
        )
    route = route_of(card.family, config.to, config.quantize, checkpoint)
    check_installed(*route.packages, extra="export", needed_by=f"--to {config.to}")
    # Not above: they load torch.
    from dsbs.exporting.export import export as make
    from dsbs.exporting.export import rows_of

    out = config.out or default_out(checkpoint, f"export-{config.to}-{config.quantize}")
    rows = rows_of(card, checkpoint, config)
    weights = sorted(checkpoint.glob("*.safetensors"))
    with open_run(out, ExportResult, config, weights, takes_new_inputs=True) as run:
        if run.finished is not None:
            say(f"{out} is done already")
            return run.finished
        results = make(checkpoint, card, config, route, rows, out)
        run.finish(results, status=results.status)
        return results


def show(results: ExportResult) -> str:
    """Whether labels are the same, which differ, and how long it takes."""
    parity = results.parity
    gap = parity.max_score_difference
    scores = "no scores compared" if gap is None else f"largest difference of a score {gap:.2g}"
    lines = [
        f"{results.to}, {results.quantize}, {results.bytes / 1e6:,.1f} MB; {results.runtime}",
        f"parity: {parity.flips:,} of {parity.rows:,} labels differ; {scores}",
        *(f"  {one.id}: {one.student} -> {one.export}" for one in parity.differences[:_SHOWN]),
    ]
    if parity.flips > _SHOWN:
        lines.append(f"  and {parity.flips - _SHOWN:,} more in {results.out}/manifest.json")
    if not parity.passed:
        lines.append(
            f"no export: more labels differ than --max-flips {parity.max_flips}; use --quantize "
            "none or another --to, or accept them with --max-flips"
        )
    if results.latency:
        lines.append(_latency_table(results.latency))
    return "\n".join(lines)


def _latency_table(latency: list[Latency]) -> str:
    columns = ["input tokens", "batch", "threads", "p50 ms", "p95 ms"]
    rows = [
        [one.input_tokens, one.batch, one.threads, f"{one.p50_ms:.1f}", f"{one.p95_ms:.1f}"]
        for one in latency
    ]
    return table(columns, rows, title="from text to label")


STAGE = Stage("export", ExportConfig, export, show)

if __name__ == "__main__":
    STAGE.main()
