"""A client that submits for one user by the connection of the application."""

import asyncio
from typing import Any

from tidings.client.client import Client
from tidings.client.handle import Handle
from tidings.client.submit.client_submission import ClientSubmission
from tidings.client.submit.submit_calls import SubmitCalls
from tidings.protocol.problems import problem_error


class DelegateClient(SubmitCalls):
    """Submits for one user; the credential of the application's client has the scope `delegate`."""

    def __init__(self, client: Client, owner: str, within_s: float) -> None:
        """Prepare.

        Args:
            client: the application's.
            owner: the user.
            within_s: how long a submission waits for its ack, as while the connection is broken.

        """
        self._client = client
        self.owner = owner
        """The user for whom it submits."""
        self._within_s = within_s

    async def send(self, submission: ClientSubmission) -> Handle[Any]:
        """Submit for the user; see `submit`.

        Raises:
            ProblemError: it was refused; `store_unavailable`: no server took it in time.
            ValueError: it names another owner.

        """
        named = submission.owner or (submission.options and submission.options.owner)
        if named not in (None, self.owner):
            raise ValueError(f"this client submits for {self.owner!r}: a submission cannot name another owner")
        try:
            async with asyncio.timeout(self._within_s):
                return await self._client.send(submission._replace(owner=self.owner))
        except TimeoutError as error:
            detail = f"the server of the jobs gave no answer within {self._within_s:g} s: try again later"
            raise problem_error("store_unavailable", detail, retry_after=1) from error
