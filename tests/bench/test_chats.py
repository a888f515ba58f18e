"""The lean reader of chats asks as a page does, and returns once the answer has begun."""

import asyncio
import json

from bench.chats.reader import ChatReader


async def test_a_reader_asks_in_a_chat_of_its_own_and_waits_for_the_first_token() -> None:
    asked: list[dict[str, object]] = []
    gone = asyncio.Semaphore(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.partition("Content-Length: ")[2].partition("\r")[0])
        asked.append({"path": head.split()[1], **json.loads(await reader.readexactly(length))})
        writer.write(b'HTTP/1.1 200 OK\r\n\r\ndata: {"type":"text-delta"}\n\n')
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.release()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        readers = [ChatReader(url), ChatReader(url)]
        for reader in readers:
            await reader.ask("tell", count=1)
            reader.close()
        for _ in readers:
            await gone.acquire()
    assert {one["path"] for one in asked} == {"/v1/chat/tell"}
    assert len({str(one["id"]) for one in asked}) == 2
    assert [one["count"] for one in asked] == [1, 1]
