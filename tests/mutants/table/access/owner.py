"""Whose a job is, and whose a credential."""

from mutants.change import lua, python
from mutants.mutant import Mutant
from mutants.table.files import FASTAPI, FEED, FOLLOW, LOCAL, OWNED, OWNED_INDEX, OWNER

MUTANTS = (
    Mutant(
        "A stranger sees another's job.",
        python("require_visible").cut("or not identity.may_see(token, record.owner, tags_of(record))"),
        (OWNER,),
    ),
    Mutant(
        "A stranger cancels another's job.",
        python("owner_filter").cut("if identity.admin else identity.owner"),
        (OWNER,),
    ),
    Mutant(
        "All owners share idempotency keys.",
        python("build_job").swap("StoreKeys.dedup_suffix(request.owner", 'StoreKeys.dedup_suffix(""'),
        (OWNER,),
    ),
    Mutant(
        "All owners share unique values.",
        python("build_job").swap("StoreKeys.unique_suffix(request.owner", 'StoreKeys.unique_suffix(""'),
        (OWNER,),
    ),
    Mutant(
        "A caller lists another's jobs by naming the owner.",
        python("require_owner").never("not identity.admin"),
        (OWNED,),
    ),
    Mutant(
        "A job that is submitted after a follow has begun is not found.",
        lua("publish_tagged").drop("redis.call('PUBLISH'"),
        (FOLLOW,),
    ),
    Mutant(
        "What was submitted while a server heard nothing is not found.",
        python("TagFeed.reopened").drop("self._read_again"),
        (FEED,),
    ),
    Mutant(
        "A follow watches more jobs than the connection may.",
        python("SocketFollows._excess").always("session.watches + len(self._wanted) + fresh <= most"),
        (FOLLOW,),
    ),
    Mutant(
        "A stranger has another's job forgotten.",
        lua("forget:forget").cut("or (caller ~= '' and job.owner ~= caller)"),
        (OWNED_INDEX,),
    ),
    Mutant(
        "The dead letter of a job that is forgotten stays.",
        lua("forget:forget").drop("if job.letter then redis.call('XDEL', dead_key, job.letter) end"),
        (OWNED_INDEX,),
    ),
    Mutant(
        "The list of an owner's jobs grows without end.",
        lua("write_owned").drop("if over > 0 then redis.call('ZPOPMIN', key, over) end"),
        (OWNED_INDEX,),
    ),
    Mutant(
        "A token says by which algorithm it is signed.",
        python("JwtAuthenticator._verify").swap(
            "algorithms=[key.algorithm]", 'algorithms=["HS256", "RS256", "ES256", "EdDSA", "RS512", "none"]'
        ),
        ("tests/unit/server/auth/test_jwt.py",),
    ),
    Mutant(
        "A token for another audience is taken.",
        python("JwtAuthenticator._verify").swap("audience=self._audience", "audience=None"),
        ("tests/unit/server/auth/test_jwt.py",),
    ),
    Mutant(
        "Every invented key id costs the issuer a fetch.",
        python("PublishedKeys._may_ask").swap("self._now() - self._asked_at >= self._min_pause_s", "True"),
        ("tests/auth/test_jwks.py",),
    ),
    Mutant(
        "The credential of another subject renews a socket's.",
        python("AuthState.accept").never("identity.owner != known.owner"),
        ("tests/unit/server/websocket/test_auth_state.py",),
    ),
    Mutant(
        "The client of an owner in the server's own process sees the jobs of all.",
        python("_identity").always("owner is None"),
        (LOCAL,),
    ),
    Mutant(
        "A client in the server's own process waits on when the server has stopped.",
        python("LocalServer.serving").drop("end(STOPPED)"),
        (LOCAL,),
    ),
    Mutant(
        "A client in the server's own process leaves its place taken.",
        python("LocalSocket.close").drop("self._connection.lost()"),
        (LOCAL,),
    ),
    Mutant(
        "A request without a user gets the server's own client.",
        python("require_user").never('owner is None or owner == ""'),
        (FASTAPI,),
    ),
    Mutant(
        "A route that submits for its user names another.",
        python("DelegateClient.send").never("not in (None, self.owner)"),
        (FASTAPI,),
    ),
)
