import socket
import threading

import pytest

from mio.runtime.link import Link


def pair() -> tuple[Link, Link]:
    ours, theirs = socket.socketpair()
    return Link(ours), Link(theirs)


def test_messages_arrive_whole_and_in_order():
    one, other = pair()
    for number in range(50):
        assert one.tell({"number": number, "bulk": b"x" * number * 100})
    heard = [other.hear() for _ in range(50)]
    assert [message["number"] for message in heard] == list(range(50))
    assert other.hear() is None


def test_a_message_larger_than_the_socket_takes_does_not_block_the_sender_and_arrives_later():
    one, other = pair()
    bulk = bytes(5_000_000)
    assert one.tell(bulk, patience_s=0.0)
    assert not one.free
    assert not one.mention("dropped meanwhile")
    heard = None
    while heard is None:
        heard = other.hear()
        assert one.hear() is None  # sends on
    assert heard == bulk
    assert one.mention("now there is room")
    assert other.hear() == "now there is room"


def test_a_peer_that_stops_in_the_middle_of_a_message_is_not_waited_for():
    ours, theirs = socket.socketpair()
    link = Link(ours)
    theirs.sendall(b"\x00\x00\x10\x00half of it")
    assert link.hear() is None


def test_what_was_said_before_the_end_is_still_heard():
    one, other = pair()
    one.tell("last words")
    one.close()
    assert other.hear() == "last words"
    with pytest.raises(EOFError):
        other.hear()
    assert not other.tell("hello?")


def test_the_peers_last_words_are_heard_even_if_something_to_it_still_waits():
    one, other = pair()
    other.tell(bytes(3_000_000), patience_s=0.0)
    one.tell("I cannot go on")
    one.close()
    assert other.hear() == "I cannot go on"


def test_two_threads_exchange_large_messages_without_a_deadlock():
    one, other = pair()

    def echo() -> None:
        count = 0
        while count < 5:
            message = other.hear()
            if message is not None:
                other.tell(message)
                count += 1

    thread = threading.Thread(target=echo)
    thread.start()
    for size in (10, 1_000_000, 2_000_000, 3, 400_000):
        one.tell(bytes(size))
        while (back := one.hear()) is None:
            pass
        assert len(back) == size
    thread.join()
