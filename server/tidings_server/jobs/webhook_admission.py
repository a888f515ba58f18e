"""The webhooks of a submission: its own, that of its kind, and that of its owner, checked before the store is asked."""

from collections.abc import Mapping

from tidings.logging.log_limit import LogLimiter
from tidings.logging.printable import printable
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import problem_error
from tidings.protocol.webhooks import WebhookRequest
from tidings.webhook.caller_file import CALLERS_VARIABLE, CallerWebhook
from tidings.webhook.target_url import Target, TargetError, TargetRules
from tidings.webhook.webhook_terms import UNGUARDED, field_of

_log = LogLimiter()

MOST_KNOWN = 1_000
"""URLs of kinds and owners that have been read, and are kept."""


class WebhookAdmission:
    """Decides which webhooks a job has."""

    def __init__(self, rules: TargetRules) -> None:
        """Prepare; `rules` say which URLs clients may give."""
        self._rules = rules
        self._of_owners: dict[str, tuple[WebhookRequest, Target]] = {}
        self._of_kinds: dict[str, Target | None] = {}

    def use_callers(self, callers: Mapping[str, CallerWebhook]) -> None:
        """Have the jobs of owners get the webhooks that operators set for them, from now on.

        Args:
            callers: owner → what operators set for all its jobs.

        Raises:
            TargetError: the URL of an owner cannot be a webhook's; nothing is changed.

        """
        found: dict[str, tuple[WebhookRequest, Target]] = {}
        for owner, one in callers.items():
            request = one.request()
            if request is not None:
                try:
                    found[owner] = (request, UNGUARDED.parse(request.url))
                except TargetError as error:
                    raise TargetError(f"{CALLERS_VARIABLE}: {printable(owner)}: {error}") from None
        self._of_owners = found

    def field(self, asked: WebhookRequest | None, record: KindRecord, owner: str) -> str:
        """Return the field `webhook` of a job's record; empty: it has none.

        Args:
            asked: what the client wants.
            record: the job's kind.
            owner: the job's.

        Raises:
            ProblemError: `invalid_frame`, pointing to what is wrong with the client's.

        """
        if asked is None and record.webhook is None and not self._of_owners:
            return ""
        found: list[tuple[WebhookRequest, Target]] = []
        if asked is not None:
            found.append((asked, self._check(asked)))
        if record.webhook is not None:
            target = self._target_of_kind(record.kind, record.webhook.url)
            if target is not None:
                found.append((record.webhook, target))
        of_owner = self._of_owners.get(owner)
        if of_owner is not None:
            found.append(of_owner)
        return field_of(found)

    def _check(self, asked: WebhookRequest) -> Target:
        events = asked.events or ()
        if len(set(events)) != len(events):
            raise problem_error("invalid_frame", "an event stands in `events` twice", field="/webhook/events")
        try:
            return self._rules.parse(asked.url)
        except TargetError as error:
            raise problem_error("invalid_frame", str(error), field="/webhook/url") from None

    def _target_of_kind(self, kind: str, url: str) -> Target | None:
        """Read the URL of a kind; a worker checked it, and no record is trusted."""
        if url not in self._of_kinds:
            if len(self._of_kinds) >= MOST_KNOWN:
                self._of_kinds.clear()
            try:
                self._of_kinds[url] = UNGUARDED.parse(url)
            except TargetError as error:
                _log.error("kind_webhook_broken", cause=kind, kind=kind, error=str(error))
                self._of_kinds[url] = None
        return self._of_kinds[url]
