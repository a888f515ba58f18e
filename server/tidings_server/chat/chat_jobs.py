"""The jobs that answer in a chat: found by the chat's tag, among those that the client may see."""

import re

from tidings.ai.chat_request import CHAT_MEANING, CHAT_PATTERN, chat_tag
from tidings.protocol.events import FINAL_STATE
from tidings.protocol.frames.listing_messages import ListedJob
from tidings.protocol.problems import problem_error
from tidings_server.auth.identity import Identity
from tidings_server.owned.owned_job_list import OwnedJobList

_CHAT = re.compile(CHAT_PATTERN)

_LOOKED_AT = 20
"""The newest jobs of a chat, of which those are stopped that go on."""


class ChatJobs:
    """Finds the jobs of chats. A chat of another owner has none that the client may see."""

    def __init__(self, jobs: OwnedJobList) -> None:
        self._jobs = jobs

    async def newest(self, identity: Identity, kind: str, chat: str) -> ListedJob | None:
        """Return the newest job of a chat; raises as `live`."""
        return next(iter(await self._page(identity, kind, chat, 1)), None)

    async def live(self, identity: Identity, kind: str, chat: str) -> list[ListedJob]:
        """Return those that go on, the newest first.

        Raises:
            ProblemError: the chat's id is none, the client may read no jobs, or the store cannot be reached.

        """
        return [job for job in await self._page(identity, kind, chat, _LOOKED_AT) if goes_on(job)]

    async def _page(self, identity: Identity, kind: str, chat: str, count: int) -> list[ListedJob]:
        if not _CHAT.match(chat):
            raise problem_error("invalid_frame", CHAT_MEANING, field="/chat")
        page = await self._jobs.page(identity, {"tag": chat_tag(chat), "kind": kind, "limit": str(count)})
        return page.jobs


def goes_on(job: ListedJob) -> bool:
    """Return whether a job has not ended."""
    return job.status not in FINAL_STATE.values()
