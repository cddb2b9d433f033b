"""smsgate.web.http_connection: an answer leaves in as few packets as it can."""

from __future__ import annotations

import asyncio

import pytest

from smsgate.web.http_connection import AnswerWriter

HEAD, BODY = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n", b"{}"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Recorder(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.packets: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_closed
        self.packets.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def packets() -> Recorder:
    return Recorder()


def test_head_and_body_are_one_packet_for_every_answer(packets: Recorder) -> None:
    writer = AnswerWriter(packets)
    for _ in range(2):
        writer.write(HEAD)
        assert packets.packets == []
        writer.write(BODY)
        writer.end()
        assert packets.packets == [HEAD + BODY]
        packets.packets.clear()


def test_the_further_pieces_of_a_body_are_written_as_they_come(packets: Recorder) -> None:
    writer = AnswerWriter(packets)
    for data in (HEAD, b"a", CONTINUE, memoryview(b"b")):
        writer.write(data)
    assert packets.packets == [HEAD + b"a", CONTINUE, b"b"]


def test_a_head_without_a_body_is_written_at_the_end(packets: Recorder) -> None:
    writer = AnswerWriter(packets)
    writer.write(HEAD)
    writer.end()
    writer.end()
    assert packets.packets == [HEAD]


def test_who_waits_to_be_asked_for_the_body_is_asked_at_once(packets: Recorder) -> None:
    writer = AnswerWriter(packets)
    writer.write(CONTINUE)
    assert packets.packets == [CONTINUE]
    writer.write(HEAD)
    writer.write(BODY)
    assert packets.packets == [CONTINUE, HEAD + BODY]


def test_a_head_without_a_body_is_written_where_the_connection_ends_with_it(
    packets: Recorder,
) -> None:
    writer = AnswerWriter(packets)
    writer.write(HEAD)
    writer.close()
    writer.end()
    assert packets.packets == [HEAD]
    assert packets.is_closed
