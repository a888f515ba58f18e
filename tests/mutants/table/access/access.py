"""Scopes, origins, keys and tickets, and what outlasts a credential."""

from mutants.change import python
from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "Scopes are not asked for on a socket.",
        python("Session._admit").drop("_require(frame, identity)"),
        ("tests/auth/test_socket.py",),
    ),
    Mutant(
        "A page of elsewhere may send requests.",
        python("Authorizer._admit").never("not origin_allowed"),
        ("tests/auth/test_http.py",),
    ),
    Mutant(
        "A server without authentication answers under any name.",
        python("server_of").swap("app if open_to_all", "app if settings"),
        ("tests/auth/hosts/test_host.py",),
    ),
    Mutant(
        "A ticket works more than once.",
        python("TicketStore.take").swap('"GETDEL"', '"GET"'),
        ("tests/auth/test_ticket.py",),
    ),
    Mutant(
        "A public key in another form than PEM is the secret of an HMAC.",
        python("key_of").swap("public_key_in(bare)", "None"),
        ("tests/unit/server/auth/test_key.py",),
    ),
    Mutant(
        "A path, an address or a broken key is the secret of an HMAC.",
        python("public_key_in").drop("_refuse_names(text)"),
        ("tests/unit/server/auth/test_key.py",),
    ),
    Mutant(
        "Watches go on that a renewed credential does not allow.",
        python("SocketJobs.check_watches").drop("self._keep(listener)"),
        ("tests/auth/test_lesser.py",),
    ),
    Mutant(
        "A long-poll outlasts its credential.",
        python("job_service:valid.check").drop("identity.require_valid()"),
        ("tests/unit/server/jobs/test_job_readers.py",),
    ),
    Mutant(
        "A quiet stream outlasts its credential.",
        python("EventStream._left").cut(", self._identity.left()"),
        ("tests/auth/test_lesser.py",),
    ),
    Mutant(
        "Refusals of callers without rights push operators' acts out of the audit log.",
        python("audit_middleware:_refusal").swap("AuditStream.STRANGER", "AuditStream.ACT"),
        ("tests/console/test_audit.py",),
    ),
    Mutant(
        "An administrator cancels the job of another by a client's way, and leaves no entry in the audit log.",
        python("ClientCancels._cancel_as_admin").drop("await self._audit.write(entry)"),
        ("tests/console/test_cancels.py",),
    ),
    Mutant(
        "An act on dead letters that broke off halfway leaves no entry in the audit log.",
        python("OperatorActions.letters").swap("if batches.changed or unconfirmed:", "if False:"),
        ("tests/console/test_operator_actions.py",),
    ),
    Mutant(
        "Control characters of a job's texts reach the terminal.",
        python("printable").always("text.isprintable()"),
        ("tests/cli/test_printable.py::test_whatever_the_text_one_line_of_printable_characters_comes_of_it",),
    ),
    Mutant(
        "The folder of an embedded store stays open to other users.",
        python("EmbeddedStore._prepare_folder").drop("close_to_others(self.folder)"),
        ("tests/store/test_folder.py",),
    ),
)
