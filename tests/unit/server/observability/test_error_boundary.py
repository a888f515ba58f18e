"""An unexpected exception becomes a problem for its client, and few lines of log however often it is raised."""

from structlog.testing import capture_logs

from tidings_server.observability.error_boundary import unexpected_problem


def raised() -> Exception:
    empty: dict[str, Exception] = {}
    try:
        return empty["secret"]  # at one place: one cause
    except KeyError as error:
        return error


def test_an_exception_that_a_client_can_cause_again_and_again_is_logged_once_a_while() -> None:
    with capture_logs() as lines:
        problems = [unexpected_problem("GET /a-request-of-this-test", raised()) for _ in range(100)]
    assert {problem.code for problem in problems} == {"internal_error"}
    assert "secret" not in str(problems[0])
    assert 1 <= len(lines) <= 10
    assert lines[0]["request"] == "GET /a-request-of-this-test"
