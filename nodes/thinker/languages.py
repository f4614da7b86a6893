"""The language of a few words, by their letters and their most frequent words; knows no grammar and no dictionary.

Recognised speech comes with its language, typed words do not. Few words tell little, so that whatever is not clear is
taken for the language that is expected.
"""

import re

NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch", "pl": "Polish", "sv": "Swedish", "da": "Danish", "tr": "Turkish", "ru": "Russian",
    "uk": "Ukrainian", "el": "Greek", "ar": "Arabic", "he": "Hebrew", "hi": "Hindi", "th": "Thai", "ja": "Japanese",
    "ko": "Korean", "zh": "Chinese",
}  # fmt: skip
"""English names of languages by primary subtag (BCP 47), as a prompt says them."""

_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("uk", re.compile(r"[іїєґІЇЄҐ]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)

_WORDS = {
    "en": "a about and any are at but can could did do does for have hello how i if is it me my of on or please she so "
    "tell thank thanks that the there they this to was we were what when where which who why will with would yes "
    "you your not",
    "de": "aber als am auf aus bei bin bist da danke das dein deine deinen dem den der die dir dich du ein eine einen "
    "er es für guten habe hallo hast ich im ist ja kannst kein machst mein mich mir mit nein nicht noch oder sehr "
    "sich sie sind über und uns von war warum was wer wie wir wo zu hat heute",
    "fr": "a âge au avec bonjour ça ce cette comment dans de des dis du elle est et être il je la le les ma mais merci "
    "moi mon ne non nous oui où parle pas pour pourquoi quand que quel quelle qui quoi sont sur ta te toi ton tu "
    "un une vous es",
    "es": "buenos cómo como con cuál cuándo cuéntame de del dónde el ella en eres es está estás gracias hablas hola la "
    "las lo los me mi muy no por porque pero puedes qué que quién se sí sobre su te tiene tienes tú tu un una y "
    "yo",
    "it": "anche buongiorno che chi chiami ciao con cosa da dei del della di dove e è gli grazie hai ho il io la le lo "
    "ma mi mia mio non parla per perché più puoi quale quando questo sei sì si sono su ti tu tua tuo un",
    "pt": "a as bom com como da de do dos e ela ele em essa está eu fala foi isso mas me meu minha muito na não no o "
    "obrigado olá onde os para por porque qual quando que quem são se seu sim sobre sua tem tu uma você",
    "nl": "aan ben bent dag dank dat de deze die dit doe een en er goed haar hallo heb hebt heeft het hij hoe ik in is "
    "ja je jij jouw kan kun maar met mij mijn naar nee niet of om ook op te van vandaag voor waar waarom wat wie "
    "wij zijn",
    "pl": "bardzo być ci ciebie co czy czym dla do dlaczego dobry dzień dziękuję gdzie i ile ja jak jaki jest jesteś "
    "jestem kiedy kim kto ma masz mi mnie na nie o od po proszę się są tak to tu twój w z że",
    "sv": "att av bra dig din du där det ditt en ett från för god ha han har hej hon hur i inte ja jag kan kommer man "
    "med men mig min nej och om på sig som tack till vad var varför vem vi är",
    "da": "af at dag dig din du det der en er et fra for god goddag ha han har hej hun hvad hvem hvor hvordan hvorfor "
    "i ikke ja jeg kan kommer man med men mig min nej og om på som tak til var vi",
    "tr": "acaba ama ben bana bir bu çok da daha de değil evet gibi hayır için ile iyi kim merhaba mı mi mu mü misin "
    "ne neden nasıl nerede o sen senin sana seni şu teşekkürler ve var yok",
}
_SETS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")
_LEAD = 2  # words of another language more than of the expected one; one suffices if nothing speaks for that


def language_of(text: str, expected: str) -> str:
    """Which language a text is in.

    Args:
        text: Some words.
        expected: Language that it is taken for if there is no clear sign of another one, BCP 47.

    Returns:
        ``expected``, or the primary subtag of another language.
    """
    primary = expected.lower().partition("-")[0]
    for language, letters in _SCRIPTS:
        if letters.search(text):
            return expected if language == primary else language
    words = _WORD.findall(text.lower())
    counts = {language: sum(word in known for word in words) for language, known in _SETS.items()}
    here = counts.get(primary, 0)
    best = max(counts, key=lambda language: (counts[language], language == primary))
    rivals = sum(count == counts[best] for count in counts.values())
    clear = counts[best] - here >= (_LEAD if here else 1) and rivals == 1 and 2 * counts[best] >= len(words)
    return best if clear and best != primary else expected


def name_of(language: str) -> str:
    """English name of a language (BCP 47); the tag itself if it is not known here."""
    return NAMES.get(language.lower().partition("-")[0], language)
