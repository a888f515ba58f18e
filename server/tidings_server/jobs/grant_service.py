"""Grants over every transport: with the ack of a submission, for jobs that exist, and for a tag."""

import asyncio
from functools import partial

import msgspec

from tidings.protocol.frames.messages import Submission
from tidings.protocol.grants import GrantAct, GrantRequest, GrantSubject, IssuedGrant
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import Token, parse_token
from tidings.store.jobs.ownership import OwnershipReader
from tidings_server.auth.grant import Grant, JobScope, TagScope
from tidings_server.auth.grants.grant_codec import GrantCodec
from tidings_server.auth.grants.grant_issuer import GrantIssuer
from tidings_server.auth.identity import Identity
from tidings_server.auth.owner_names import OwnerNames

from .answer_tasks import AnswerTasks
from .client_answers import not_granted, unknown_token
from .pending_answer import PendingAnswer, result_of

_DEFAULTS = GrantRequest()


class GrantService:
    """Issues the grants that clients ask for, and reads those that they present."""

    def __init__(
        self,
        codec: GrantCodec,
        issuer: GrantIssuer,
        names: OwnerNames,
        ownership: OwnershipReader,
        tasks: AnswerTasks,
    ) -> None:
        """Prepare.

        Args:
            codec: reads them.
            issuer: issues them.
            names: of owners.
            ownership: knows whose a job is.
            tasks: run what asks the store.

        """
        self._codec = codec
        self._issuer = issuer
        self._names = names
        self._ownership = ownership
        self._tasks = tasks

    def read(self, text: str, field: str = "/grant") -> Grant:
        """Return the grant that a client presents beside its credential; its time may be over.

        Raises:
            ProblemError: `unauthenticated` or `auth_unavailable`.

        """
        return self._codec.read(text, field)

    # With an ack.

    def wish_of(self, submission: Submission, identity: Identity) -> GrantRequest | None:
        """Return which grant a submission asks for; None: none.

        Raises:
            ProblemError: the submitter cannot get it.

        """
        if submission.grant is False:
            return None
        wish = _DEFAULTS if submission.grant is True else submission.grant
        self._issuer.check(identity, wish.may, wish.ttl, "/grant")
        return wish

    def issue(self, wish: GrantRequest, identity: Identity, token: str) -> IssuedGrant:
        """Return the grant for a job that `identity` has just submitted, or submitted before under the same key.

        Raises:
            ProblemError: the submitter cannot get it.

        """
        return self._issuer.issue(identity, JobScope(frozenset({token})), wish.may, wish.ttl, "/grant")

    # Later.

    def ask(self, subject: GrantSubject, identity: Identity) -> PendingAnswer[IssuedGrant]:
        """Return a grant, pending: to the owner of the jobs, or to an administrator.

        The answer fails with `forbidden`, `invalid_frame`, `unknown_token`, `too_large`, `auth_unavailable` or
        `store_unavailable`.

        Raises:
            ProblemError: the same, where the store need not be asked.

        """
        if identity.grants and not identity.scopes:
            raise problem_error("forbidden", "the bearer of a grant gets no other: ask the application that issued it")
        named = [name for name in ("token", "tokens", "tag") if getattr(subject, name) is not None]
        if len(named) != 1:
            raise problem_error("invalid_frame", "say what the grant is for: `token`, `tokens` or `tag`, one of them")
        if subject.owner is not None:
            _check_owner(subject, identity)
        self._issuer.check(identity, subject.may, subject.ttl)
        answer: asyncio.Future[IssuedGrant] = self._tasks.start("grant", partial(self._grant, subject, identity))
        return PendingAnswer("grant", answer, result_of)

    async def _grant(self, subject: GrantSubject, identity: Identity) -> IssuedGrant:
        scope: JobScope | TagScope
        if subject.tag is not None:
            owner = identity.owner
            if subject.owner is not None:
                owner = self._names.of_subject(subject.owner, "invalid_frame", "/owner")
            scope = TagScope(owner, subject.tag)
        else:
            texts = (subject.token,) if subject.token is not None else subject.tokens or ()
            for place, text in enumerate(texts):
                await self._require_own(text, identity, "/token" if subject.token is not None else f"/tokens/{place}")
            scope = JobScope(frozenset(texts))
        return self._issuer.issue(identity, scope, subject.may, subject.ttl)

    async def _require_own(self, text: str, identity: Identity, field: str) -> None:
        token = parse_token(text)
        found = None if token is None else await self._ownership.read(token)
        if found is None or not identity.owns(found.owner):
            raise unknown_token(text, field)

    async def require_permitted(self, identity: Identity, act: GrantAct, token: Token) -> str:
        """Return the owner of a job to which `identity`, the bearer of grants, may do `act`.

        Raises:
            ProblemError: `unknown_token`, or `forbidden`: it may know of the job, and not do that.
            StoreError: the store is unavailable.

        """
        found = await self._ownership.read(token)
        if found is None or not identity.may_see(token, found.owner, found.tags):
            raise unknown_token(str(token))
        if not identity.permits(act, token, found.owner, found.tags):
            raise not_granted(act)
        return found.owner


def _check_owner(subject: GrantSubject, identity: Identity) -> None:
    if subject.tag is None:
        raise problem_error("invalid_frame", "`owner` belongs to a `tag`: a token says whose job it is", field="/owner")
    if not identity.admin:
        lack = identity.lack("admin").problem
        raise ProblemError(msgspec.structs.replace(lack, field="/owner"))
