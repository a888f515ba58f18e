"""How the owners of the different ways to come are named, so that they never meet.

There are two kinds of owners: subjects, whom an issuer's token, the application around the server or a delegate's
submission names; and API keys. The way that `auth` names first has its owners as they are, so that a deployment that
adds a second way keeps the owners of its jobs. An owner of the other kind gets a word before it, which no owner of the
first kind can begin with.
"""

from typing import NamedTuple

from tidings.protocol.problems import problem_error

KEY_MARK = "key:"
"""Stands before the name of an API key, where subjects have their names as they are."""

SUBJECT_MARK = "sub:"
"""Stands before a subject, where API keys have their names as they are: those have no colon."""


class OwnerNames(NamedTuple):
    """The names of owners on one server."""

    keys: bool
    """Whether API keys come to it."""
    keys_first: bool
    """Whether they have their names as they are."""

    @classmethod
    def of(cls, ways: tuple[str, ...]) -> "OwnerNames":
        """Return the names for the ways in the setting `auth`, in their order."""
        return cls("api_key" in ways, ways[:1] == ("api_key",))

    def of_key(self, name: str) -> str:
        """Return the owner of the jobs of an API key."""
        return name if self.keys_first else KEY_MARK + name

    def of_subject(self, subject: str, code: str = "unauthenticated", field: str | None = None) -> str:
        """Return the owner of the jobs of a subject.

        Args:
            subject: 1 to 255 printable characters.
            code: of the refusal.
            field: where the subject stands, as a JSON Pointer.

        Raises:
            ProblemError: the subject begins as the owner of an API key does.

        """
        if self.keys_first:
            return SUBJECT_MARK + subject
        if self.keys and subject.startswith(KEY_MARK):
            raise problem_error(
                code, f"a subject cannot begin with {KEY_MARK!r}: that names API keys here", field=field
            )
        return subject
