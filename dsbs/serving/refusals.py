"""What a caller is told whose call is not answered."""

from fastapi.responses import JSONResponse

from dsbs.core.errors import InputError
from dsbs.serving.batcher import Overloaded
from dsbs.serving.chat import BadCall
from dsbs.serving.limits import error_body
from dsbs.serving.routing import TeacherMissing

_RETRY_S = 1


def status_of(error: BaseException) -> int:
    """The HTTP status; 500 for an error that nobody has foreseen."""
    if isinstance(error, BadCall):
        return error.status
    if isinstance(error, InputError):
        return 400
    return 503 if isinstance(error, Overloaded | TeacherMissing | TimeoutError) else 500


def refusal(error: Exception) -> JSONResponse:
    """The response. An error that nobody has foreseen is raised again: the server's log has it."""
    status = status_of(error)
    if status == 500:
        raise error
    if status == 503:
        after = error.retry_after if isinstance(error, Overloaded) else _RETRY_S
        body = error_body(str(error), "server_error")
        return JSONResponse(body, status_code=status, headers={"retry-after": str(after)})
    parameter = error.parameter if isinstance(error, BadCall) else None
    body = error_body(str(error), "invalid_request_error", parameter=parameter)
    return JSONResponse(body, status_code=status)
