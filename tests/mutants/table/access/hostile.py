"""What clients send to do harm, and what they take without asking."""

from mutants.change import python
from mutants.mutant import Mutant
from mutants.table.files import HOSTILE

MUTANTS = (
    Mutant(
        "The parser reads a text again from each quote of a string without an end.",
        python("_STRING").swap('"[^"]*"?', r'"(?:[^"\\]|\\.)*"'),
        (HOSTILE + "test_text.py",),
    ),
    Mutant(
        "The server reads a whole batch before it counts it.",
        python("BatchSplitter.split").swap(
            "islice(_LINE.finditer(stripped), self._most + 1)", "_LINE.finditer(stripped)"
        ),
        ("tests/unit/server/http/batch/test_batch_splitter.py",),
    ),
    Mutant(
        "A number in a token that fits into no float is an error of the server.",
        python("claims:_moment").cut("OverflowError,"),
        (HOSTILE + "test_border.py::test_a_token_of_an_unexpected_form_is_refused",),
    ),
    Mutant(
        "An unforeseen error on the way to an answer leaves its frame without one.",
        python("SocketChannel._answered").swap("except Exception", "except ZeroDivisionError"),
        ("tests/unit/server/websocket/test_socket_channel.py",),
    ),
    Mutant(
        "A message that is not one of ours ends the server that hears it.",
        python("Subscription._pass_on").swap("except (msgspec.MsgspecError, ValueError)", "except ZeroDivisionError"),
        (HOSTILE + "test_border.py::test_what_others_publish_ends_nothing",),
    ),
    Mutant(
        "A fault that a client can cause again and again is logged each time.",
        python("unexpected_problem").swap("_limited.error", "log.error"),
        ("tests/unit/server/observability/test_error_boundary.py",),
    ),
    Mutant(
        "A record that cannot be read is logged each time that a client asks for it.",
        python("store_problem").swap('cause=str(error).partition(":")[0]', "cause=str(id(error))"),
        (HOSTILE + "test_border.py::test_what_can_be_caused_again_and_again_fills_no_log",),
    ),
    Mutant(
        "An `Origin` that is not an origin is an error of the server.",
        python("origin_allowed").swap("except ValueError", "except ZeroDivisionError"),
        (HOSTILE + "test_border.py::test_an_origin_that_is_none_is_refused_like_a_strange_one",),
    ),
    Mutant(
        "An owner shares the quota of the address with the same name.",
        python("quota_key_of").replace(
            'QuotaKey("address", caller)', 'return QuotaKey("owner", identity.owner or caller)'
        ),
        ("tests/server/test_places.py",),
    ),
    Mutant(
        "The server buffers as much of a client without a credential as of others.",
        python("SocketProtocol._max_message_bytes").swap(
            "min(STRANGER_BYTES, most) if self._unauthenticated else most", "most"
        ),
        (HOSTILE + "test_border.py::test_of_a_stranger_little_is_buffered",),
    ),
    Mutant(
        "A quiet socket keeps its handshake and its parser.",
        python("SocketProtocol.take_over").drop("self._drop_parser()"),
        ("tests/server/test_quiet_socket.py::test_a_quiet_socket_holds_neither_its_handshake_nor_a_parser",),
    ),
    Mutant(
        "A size that a client only announces takes memory.",
        python("PartialText.take").swap("self._filled * ALLOCATED_SHARE >= self._size", "self._filled"),
        ("tests/unit/server/websocket/frames/test_partial_text.py",),
    ),
    Mutant(
        "A large text that comes after the close is carried out.",
        python("SocketProtocol._take_partial").always("self.close_sent"),
        ("tests/server/test_quiet_socket.py::test_a_large_text_whose_rest_comes_after_a_close_is_not_read",),
    ),
    Mutant(
        "A large text that is no UTF-8 is carried out.",
        python("text_in").cut(" and payload.isascii()"),
        ("tests/server/test_quiet_socket.py::test_a_large_text_that_is_no_text_ends_the_socket",),
    ),
    Mutant(
        "A socket lets go of its parser between two fragments of a message.",
        python("SocketProtocol._drop_parser").swap("and conn.current_size is None", ""),
        ("tests/server/test_quiet_socket.py::test_between_two_fragments_of_a_message_the_parser_is_kept",),
    ),
    Mutant(
        "A stream is written to a client that does not read.",
        python("ResponseBody.writable").swap("not self._flow.write_paused", "True"),
        (
            "tests/e2e/streams/test_stream_life.py::test_a_reader_that_reads_no_more_is_let_go_holding_little_and_delaying_no_other",
        ),
    ),
    Mutant(
        "The stream of a client that has gone stays open.",
        python("DirectHttpProtocol.connection_lost").drop("body.lost()"),
        ("tests/e2e/streams/test_stream_life.py::test_a_client_that_hangs_up_leaves_nothing_of_its_stream",),
    ),
    Mutant(
        "Each event of a turn is written by itself.",
        python("DirectStream._flush").replace("self._loop.call_soon(self._write)", "self._write()"),
        ("tests/unit/server/sse/test_direct_stream.py",),
    ),
    Mutant(
        "The head of a response waits for a body that comes late.",
        python("HeldHead.write").drop("self._loop.call_soon(self._flush)"),
        ("tests/unit/server/http/connection/test_held_head.py",),
    ),
    Mutant(
        "Middleware that an application adds does not see submissions.",
        python("DirectApplication._goes_directly").swap("self._count() == self._counts", "True"),
        ("tests/unit/server/web/test_direct_routes.py",),
    ),
    Mutant(
        "The depth of a long text is looked at only where it has more brackets of one sort than may nest.",
        python("_opens_more").swap('"[{"', '"["'),
        ("tests/server/test_depth.py",),
    ),
    Mutant(
        "A trailer is taken for headers.",
        python("HttpProtocol.on_header").swap("if self._meter.in_head:", "if True:"),
        (HOSTILE + "test_connection.py::test_a_trailer_is_dropped_and_never_taken_for_a_header",),
    ),
    Mutant(
        "A trailer has no end.",
        python("RequestMeter.add_framing").never("self._framing_bytes > most + CHUNK_OVERHEAD"),
        (HOSTILE + "test_connection.py::test_a_trailer_without_an_end_is_cut_off",),
    ),
    Mutant(
        "A body that no route reads has no time limit.",
        python("HttpProtocol._watch").never("not self._timers.runs(Wait.BODY)"),
        (HOSTILE + "test_connection.py::test_a_body_that_drips_has_an_end_whatever_the_route_does_with_it",),
    ),
    Mutant(
        "A request that offers another protocol loses its body.",
        python("HttpProtocol._upgrade").cut("+ rest"),
        (HOSTILE + "test_connection.py::test_a_post_that_offers_another_protocol_keeps_its_body",),
    ),
    Mutant(
        "Connections that wait for a request are counted for no address.",
        python("HttpProtocol.connection_made").swap("self._slot.take()", "self._slot.add()"),
        (HOSTILE + "test_connection.py::test_connections_that_wait_are_counted_for_their_address",),
    ),
    Mutant(
        "Requests that wait for a job are counted for no caller.",
        python("Quotas.watching").swap("connection_slot.watch(1)", "connection_slot.leave()"),
        (
            HOSTILE + "test_connection.py::test_long_polls_are_counted_for_their_caller",
            "tests/server/test_places.py",
        ),
    ),
    Mutant(
        "The jobs that streams watch are counted for no caller.",
        python("StreamOpening.__init__").swap("slot.watch(len(self.wanted))", "slot.watch(0)"),
        (HOSTILE + "test_connection.py::test_the_jobs_that_streams_watch_are_counted_for_their_caller",),
    ),
)
