import os
import threading

import pytest

from mio.runtime import priority


def of_thread(thread: int = 0) -> int:
    return os.getpriority(os.PRIO_PROCESS, thread)


def test_all_threads_get_their_priority_back_after_loading() -> None:
    before = of_thread()
    by = priority.give_way()
    if by == 0:
        pytest.skip("this user may not raise a priority again")
    done = threading.Event()
    started: list[int] = []
    thread = threading.Thread(target=lambda: (started.append(threading.get_native_id()), done.wait()))
    thread.start()
    while not started:
        pass
    try:
        assert of_thread() == of_thread(started[0]) == before + by
        priority.take_back(by)
        assert of_thread() == of_thread(started[0]) == before
    finally:
        done.set()
        thread.join()
        priority.take_back(of_thread() - before)


def test_a_process_that_may_not_raise_its_priority_again_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priority, "_may_return_to", lambda _: False)
    before = of_thread()
    assert priority.give_way() == 0
    assert of_thread() == before
