"""A collector that is away, and what processes send it before they end."""

import secrets

from support.peer import peer
from tidings.process.port import free_port

from .receiver import running_receiver
from .traced_system import stop, traced_system


async def test_a_collector_that_is_away_disturbs_no_job_and_no_leave() -> None:
    with traced_system(
        f"http://127.0.0.1:{free_port()}", OTEL_BSP_MAX_QUEUE_SIZE="8", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4"
    ) as system:
        async with peer(system.server.socket_url) as client:
            refs = [await client.send("submit", kind="plain", input={}) for _ in range(50)]
            tokens = [(await client.answer(ref))["token"] for ref in refs]
            assert len(tokens) == len(refs)
            await client.run("plain")
        stop(system)


async def test_what_was_collected_is_sent_before_a_process_ends() -> None:
    trace_id = secrets.token_hex(16)
    with (
        running_receiver() as receiver,
        traced_system(receiver.url, OTEL_BSP_SCHEDULE_DELAY="600000", OTEL_SERVICE_NAME="shop") as system,
    ):
        async with peer(system.server.socket_url) as client:
            ack = await client.submit("plain", traceparent=f"00-{trace_id}-{secrets.token_hex(8)}-01")
            await client.until(ack["token"])
        assert not receiver.of(trace_id)
        stop(system)
        await receiver.until(
            trace_id,
            """
    submit plain
      process plain
      notify plain
    """,
        )
        assert {span.service for span in receiver.of(trace_id)} == {"shop"}
