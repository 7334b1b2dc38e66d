r"""Answer calls over HTTP with a student, and some with its teacher under a contract.

    python -m dsbs.serve --run runs/cqa-dss
    python -m dsbs.serve --run exports/cqa --contract runs/cqa-contract --audit 0.02 \
        --teacher-url http://host:8000/v1

The address stands on the first line of stdout. Ctrl-C or SIGTERM ends the server; calls in flight
are answered first.
"""

import contextlib
from dataclasses import dataclass

from dsbs.cli.stage import Stage
from dsbs.config.serve import ServeConfig
from dsbs.core import output
from dsbs.core.require import check_installed

_PACKAGES = ("fastapi", "uvicorn", "prometheus_client")


@dataclass(frozen=True)
class ServeResult:
    """What is left of a server that has ended."""

    address: str


def serve(config: ServeConfig) -> ServeResult:
    """Load the student and answer calls until a signal.

    Raises:
        InputError: There is no student, the contract is another student's, or the port is taken.
    """
    check_installed(*_PACKAGES, extra="serve", needed_by="dsbs serve")
    # Not above: they load the server's libraries.
    from dsbs.serving.start import application, check_flags, listen, run

    check_flags(config)
    app = application(config)
    place = listen(config.host, config.port)
    print(place.address, file=output.results(), flush=True)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn has ended, and hands the signal on
        run(app, place)
    return ServeResult(place.address)


def show(results: ServeResult) -> str:
    """What stands on stdout when the server has ended."""
    return f"{results.address} has ended"


STAGE = Stage("serve", ServeConfig, serve, show)

if __name__ == "__main__":
    STAGE.main()
