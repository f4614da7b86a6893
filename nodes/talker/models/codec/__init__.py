"""Kodama-Tokenizer: speech as 8 codes per 80 ms, and back."""
