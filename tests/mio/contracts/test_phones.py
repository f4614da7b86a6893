import pytest

from mio.contracts.phones import ARPABET, PHONES, SILENCE, from_ipa


@pytest.mark.parametrize(
    ("ipa", "phones", "stress"),
    [
        ("ˈaɪ", ("aɪ",), 1),
        ("ˌɛ", ("ɛ",), 2),
        ("g", ("ɡ",), 0),
        ("ɹ", ("ɹ",), 0),
        ("tʃ", ("tʃ",), 0),
        ("t͡ʃ", ("tʃ",), 0),
        ("ɑːɹ", ("ɑː", "ɹ"), 0),
        ("aɪɚ", ("aɪ", "ɚ"), 0),
        ("l̩", ("ə", "l"), 0),
        ("ɔø", ("ɔø",), 0),
        ("ʊ̃", ("ʊ",), 0),
        ("_", (SILENCE,), 0),
        ("ˈ", (), 1),
        ("", (), 0),
    ],
)
def test_ipa_is_mapped_to_the_inventory(ipa: str, phones: tuple[str, ...], stress: int) -> None:
    assert from_ipa(ipa) == (phones, stress)


def test_an_unknown_sequence_is_cut_into_known_phones() -> None:
    assert from_ipa("stɹʌŋ")[0] == ("s", "t", "ɹ", "ʌ", "ŋ")


def test_every_mapping_ends_in_the_inventory() -> None:
    for phones in ARPABET.values():
        assert set(phones) <= set(PHONES)
    for phone in PHONES.values():
        assert not phone.glide or phone.glide in PHONES
        assert from_ipa(phone.symbol)[0] == (phone.symbol,)
