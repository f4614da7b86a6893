import pytest

from nodes.talker.config import TalkerConfig, VoiceSettings
from nodes.talker.engine import Talker
from nodes.talker.espeak import EspeakVoice
from nodes.talker.models.testing import write_untrained_voice

pytest.importorskip("espeakng_loader")


@pytest.fixture(scope="session")
def voice() -> EspeakVoice:
    return EspeakVoice(VoiceSettings())


@pytest.fixture
def talker(voice: EspeakVoice) -> Talker:
    return Talker(voice, TalkerConfig())


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> TalkerConfig:
    """Networks that have learned nothing."""
    codec, lm = write_untrained_voice(tmp_path_factory.mktemp("weights"))
    return TalkerConfig(engine="kodama", codec=codec, language_model=lm)
