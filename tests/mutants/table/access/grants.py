"""Grants, several ways to come, and submissions for somebody else."""

from mutants.change import javascript, python
from mutants.mutant import Mutant

CODEC = "tests/unit/server/auth/grants/test_grant_codec.py"
ISSUER = "tests/unit/server/auth/grants/test_grant_issuer.py"
FOLLOWING = "tests/grants/test_following.py"
PAGES = "tests/js/calls/grant.test.js"

MUTANTS = (
    Mutant("A forged grant opens a job.", python("GrantCodec.read").never("not signed"), (CODEC,)),
    Mutant("A grant works past its time.", python("Grant.covers").cut("not self.expired(now) and"), (CODEC,)),
    Mutant(
        "A grant for one job opens another.",
        python("JobScope.covers").swap("token in self.tokens", "token != ''"),
        (CODEC,),
    ),
    Mutant(
        "The tag of one owner opens another's jobs.",
        python("TagScope.covers").cut("owner == self.owner and"),
        (CODEC,),
    ),
    Mutant(
        "A client gives a grant for what it may not do itself.",
        python("GrantIssuer.check").never("not identity.allows(scope)"),
        (ISSUER,),
    ),
    Mutant(
        "A grant outlives the credential that asked for it.",
        python("GrantIssuer.issue").never("identity.expires_at is not None"),
        (ISSUER,),
    ),
    Mutant(
        "A grant to watch cancels.",
        python("GrantService.require_permitted").never("not identity.permits(act, token, found.owner, found.tags)"),
        ("tests/grants/test_bearing.py",),
    ),
    Mutant(
        "A watch goes on after its grant.",
        python("GrantedWatches.tick").never("now >= watch.ends_at"),
        ("tests/grants/test_ending.py",),
    ),
    Mutant(
        "A stranger gets a grant for another's job.",
        python("GrantService._require_own").cut("or not identity.owns(found.owner)"),
        ("tests/grants/test_asking.py",),
    ),
    Mutant(
        "Every client submits for others.",
        python("Admission._delegated").never('not identity.allows("delegate")'),
        ("tests/grants/test_ways.py",),
    ),
    Mutant(
        "An API key and a subject of one name are one owner.",
        python("OwnerNames.of_key").swap("name if self.keys_first else KEY_MARK + name", "name"),
        ("tests/grants/test_ways.py",),
    ),
    Mutant(
        "A grant for one tag follows another.",
        python("tag_access").cut("grant.covers_tag(tag) and"),
        (FOLLOWING,),
    ),
    Mutant(
        "A grant that lasts for seconds ends without a warning.",
        python("DueTimer.arm").never("left < SOON_S"),
        (FOLLOWING,),
    ),
    Mutant(
        "A poll of a tag's list sleeps through a job that comes.",
        python("ListNews.found").drop("self.note()"),
        ("tests/owned/test_http.py",),
    ),
    Mutant(
        "A client asks for the grant of a job that the page follows no longer.",
        javascript("GrantRenewal.#again").drop("if (!this.#asking.followed(key)) return"),
        (PAGES,),
    ),
    Mutant(
        "A client comes back by the grant of a job that has ended, and not by one that it follows.",
        javascript("Grants.credential").swap("keys.find(this.#followed)", "keys[0]"),
        (PAGES,),
    ),
)
