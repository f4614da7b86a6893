import pytest

from nodes.talker.config import TalkerConfig, VoiceSettings
from nodes.talker.engine import Talker
from nodes.talker.espeak import EspeakVoice

pytest.importorskip("espeakng_loader")


@pytest.fixture(scope="session")
def voice() -> EspeakVoice:
    return EspeakVoice(VoiceSettings())


@pytest.fixture
def talker(voice: EspeakVoice) -> Talker:
    return Talker(voice, TalkerConfig())
