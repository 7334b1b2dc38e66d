"""Responses to calls that are not answered."""

from fastapi.responses import JSONResponse

from dsbs.core.errors import InputError
from dsbs.serving.batcher import Overloaded
from dsbs.serving.chat import BadCall
from dsbs.serving.limits import error_body
from dsbs.serving.replies import TeacherMissing

_RETRY_S = 1
_NOT_AGAIN = {"x-should-retry": "false"}
"""What keeps OpenAI's clients from asking twice more."""


def status_of(error: BaseException) -> int:
    """The HTTP status; 500 for an error that nobody has foreseen."""
    if isinstance(error, BadCall):
        return error.status
    if isinstance(error, InputError):
        return 400
    if isinstance(error, TeacherMissing) and error.for_good:
        return 502
    return 503 if isinstance(error, Overloaded | TeacherMissing | TimeoutError) else 500


def refusal(error: Exception) -> JSONResponse:
    """The response. An error that nobody has foreseen is raised again: the server's log has it."""
    status = status_of(error)
    if status == 500:
        raise error
    if status in (502, 503):
        after = error.retry_after if isinstance(error, Overloaded) else _RETRY_S
        headers = _NOT_AGAIN if status == 502 else {"retry-after": str(after)}
        body = error_body(str(error), "server_error")
        return JSONResponse(body, status_code=status, headers=headers)
    parameter = error.parameter if isinstance(error, BadCall) else None
    body = error_body(str(error), "invalid_request_error", parameter=parameter)
    return JSONResponse(body, status_code=status)
