"""How long a model's service wants a client to wait, as the clients of its makers tell it in their errors.

Nothing of those packages is imported: an error has a `response`, and that has `headers`.

Source: RFC 9110, section 10.2.3 (`Retry-After`)
"""

import math
import time
from email.utils import parsedate_to_datetime

from .models.read_field import field_of

MOST_S = 86_400.0
"""The longest wait that is believed, s."""


def retry_after(error: BaseException, default: float | None = None) -> float | None:
    """Return how many seconds a service wants the next request to wait, for `Retry(after=…)`.

    ::

        except openai.RateLimitError as error:
            raise Retry("the model is busy", after=retry_after(error, 5)) from error

    Args:
        error: that a client of OpenAI, of Anthropic or a similar one raised for an answer of its service.
        default: what to return where the answer says nothing.

    Returns:
        0 to 86,400 s; `default`: the answer has no `Retry-After`, or one that means nothing.

    """
    headers = field_of(field_of(error, "response"), "headers")
    text = headers.get("retry-after") if hasattr(headers, "get") else None
    if not isinstance(text, str):
        return default
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            return default
    return default if math.isnan(seconds) else min(max(seconds, 0.0), MOST_S)
