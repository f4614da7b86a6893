"""The demo: a question is asked in real time, the answer is recorded and measured."""
