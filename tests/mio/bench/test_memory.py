import argparse

from mio.bench import memory
from mio.bench.report import Report


def test_searches_of_a_small_memory_are_measured_and_find_what_a_full_comparison_finds():
    parser, report = argparse.ArgumentParser(), Report("memory")
    memory.add_arguments(parser)
    memory.run(parser.parse_args(["--nodes", "300", "--questions", "8"]), report)
    assert report.figures["found_of_the_true_best_8"] == 1.0, "fewer items than are compared in full"
    times = [
        "search_p95_ms",
        "search_while_another_process_writes_p95_ms",
        "search_after_a_step_in_time_p95_ms",
        "embed_and_search_p95_ms",
    ]
    assert all(report.figures[name] > 0.0 for name in times)
    assert report.figures["embed_and_search_p95_ms"] > report.figures["embed_question_p95_ms"]
