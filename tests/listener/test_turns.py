from mio.contracts.messages import Clock, Interrupt, Turn
from nodes.listener.turns import TurnMachine, TurnState


def clock(segment_id: int, heard_sample: int = 0) -> Clock:
    return Clock(stage_s=1.0, mono_ns=1, segment_id=segment_id, heard_sample=heard_sample)


def answered() -> TurnMachine:
    machine = TurnMachine()
    machine.open()
    machine.close(understood=True)
    return machine


def said(outputs: list) -> list[str]:
    return [message.state if isinstance(message, Turn) else message.action for _, message in outputs]


def test_every_user_turn_gets_the_next_segment_id():
    machine = answered()
    machine.clock(clock(1))
    machine.clock(clock(0))
    (_, turn), *_ = machine.open()
    assert turn.segment_id == 2


def test_a_turn_runs_from_idle_over_thinking_and_speaking_back_to_idle():
    machine = TurnMachine()
    assert said(machine.open()) == ["user_speaking"]
    assert said(machine.close(understood=True)) == ["thinking"]
    assert said(machine.clock(clock(1, heard_sample=-100))) == []
    assert said(machine.clock(clock(1))) == ["avatar_speaking"]
    assert said(machine.clock(clock(1, 500))) == []
    assert said(machine.clock(clock(0))) == ["idle"]


def test_a_turn_without_words_goes_back_to_idle():
    machine = TurnMachine()
    machine.open()
    assert said(machine.close(understood=False)) == ["idle"]


def test_stop_gives_up_the_spoken_turn_and_ignores_its_late_clocks():
    machine = answered()
    machine.clock(clock(1))
    (port, interrupt), (_, turn) = machine.stop(origin_ns=7, at_stage_s=2.0)
    assert port == "interrupt"
    assert isinstance(interrupt, Interrupt)
    assert (interrupt.action, interrupt.flush, interrupt.segment_id) == ("commit", True, 1)
    assert (interrupt.origin_ns, interrupt.at_stage_s) == (7, 2.0)
    assert turn.state == "idle"
    assert machine.clock(clock(1, 900)) == []
    assert machine.state is TurnState.IDLE


def test_stop_without_an_answer_does_nothing():
    machine = TurnMachine()
    assert machine.stop() == []
    machine.open()
    assert machine.stop() == []
    assert machine.state is TurnState.USER_SPEAKING


def test_speaking_while_the_answer_is_thought_gives_it_up():
    machine = answered()
    outputs = machine.open()
    assert said(outputs) == ["commit", "user_speaking"]
    assert [message.segment_id for _, message in outputs] == [1, 2]


def test_a_typed_line_interrupts_the_avatar():
    machine = answered()
    machine.clock(clock(1))
    assert said(machine.typed()) == ["commit"]
    (_, turn), *_ = machine.close(understood=True)
    assert (turn.state, turn.segment_id) == ("thinking", 2)


def test_nobody_waits_for_an_answer_longer_than_the_timeout():
    machine = answered()
    assert machine.wait(1_000_000_000, timeout_s=5.0) == []
    assert machine.wait(5_900_000_000, timeout_s=5.0) == []
    assert said(machine.wait(6_100_000_000, timeout_s=5.0)) == ["idle"]
    assert machine.wait(60_000_000_000, timeout_s=5.0) == []


def test_a_speaker_whose_clock_stops_does_not_keep_the_turn(caplog):
    machine = answered()
    machine.clock(clock(1))
    for tenth in range(1, 30):
        machine.clock(clock(1, tenth * 2_400))
        assert machine.wait(tenth * 100_000_000, timeout_s=5.0) == []
    assert machine.wait(4_500_000_000, timeout_s=5.0) == []
    assert said(machine.wait(5_000_000_000, timeout_s=5.0)) == ["idle"]
    assert "clock has stopped" in caplog.text


def test_a_late_answer_is_still_noticed_after_the_timeout():
    machine = answered()
    machine.wait(1, timeout_s=5.0)
    machine.wait(9_000_000_000, timeout_s=5.0)
    assert said(machine.clock(clock(1))) == ["avatar_speaking"]


def test_a_restarted_listener_does_not_reuse_the_ids_that_the_speaker_knows():
    machine = TurnMachine()
    machine.clock(clock(17))
    machine.clock(clock(0))
    (_, turn), *_ = machine.open()
    assert turn.segment_id == 18
