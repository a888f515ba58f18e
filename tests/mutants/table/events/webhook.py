"""Deliveries to webhooks: made with the end of a job, signed, and sent only where they may go."""

from mutants.change import lua, python
from mutants.mutant import Mutant

STORE = "tests/webhook/test_store.py"
ROWS = "tests/webhook/test_rows.py"
ADDRESSES = "tests/webhook/sending/test_addresses.py"
DELIVERY = "tests/webhook/sending/test_delivery.py"
SIGNATURE = "tests/webhook/sending/test_signature.py"

MUTANTS = (
    Mutant(
        "The deliveries are not made in the script that ends the job; the next sweep makes them.",
        lua("tell").cut("class == FINAL or"),
        (STORE,),
    ),
    Mutant(
        "What no script wrote keeps a job with a webhook from ending.",
        lua("note_if_possible").swap(
            "pcall(note_deliveries, job, is_final, tail, name)", "true, note_deliveries(job, is_final, tail, name)"
        ),
        (ROWS,),
    ),
    Mutant(
        "A worker that lost a delivery reports on it all the same.",
        lua("webhook_report:write").cut("or stands[3] ~= fence"),
        (ROWS,),
    ),
    Mutant(
        "A delivery whose worker died is held for ever.",
        lua("webhook_take:serve").drop("take_over(place)"),
        (ROWS,),
    ),
    Mutant(
        "A host that hangs gets as many deliveries as there are.",
        lua("webhook_take:serve").cut("per_place - redis.call('ZCARD', webhook_key('held', place)),"),
        (ROWS,),
    ),
    Mutant(
        "The address of a webhook is checked before, and not at the connection.",
        python("guarded_sockets").drop("rules.check("),
        (ADDRESSES,),
    ),
    Mutant(
        "An IPv4 address inside an IPv6 address is not looked at.",
        python("_refusal_v6").swap("_carried(address)", "()"),
        (ADDRESSES,),
    ),
    Mutant(
        "A redirect is followed wherever it leads.",
        python("Sender.send").swap(
            "self._rules.follow(target, urljoin(target.url, location))",
            "self._rules.parse(urljoin(target.url, location))",
        ),
        (DELIVERY,),
    ),
    Mutant(
        "A body without a valid signature is accepted.",
        python("signature:verify").never("not matches"),
        (SIGNATURE,),
    ),
    Mutant(
        "A delivery that was recorded may be sent again at any later time.",
        python("signature:verify").drop("_check_time("),
        (SIGNATURE,),
    ),
    Mutant(
        "The log holds the query of a webhook's URL.",
        python("Target.shown").swap("?…", "?{_}"),
        (DELIVERY,),
    ),
    Mutant(
        "The check of addresses stays off after a delivery by a proxy.",
        python("Sender._post").swap("DIALS_PROXY.set(proxy is not None)", "DIALS_PROXY.set(True)"),
        ("tests/webhook/sending/test_proxy.py",),
    ),
    Mutant(
        "A file of callers that is wrong is looked at again and again.",
        python("CallerReload.look").drop("self._stamp = stamp"),
        ("tests/webhook/test_callers.py",),
    ),
)
