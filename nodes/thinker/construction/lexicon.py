"""Words by which English prose shows who acts, where, and what a word is not. Written for this project."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MEN = _words(
    "man boy king prince father son brother uncle nephew grandfather husband lord sir gentleman emperor duke knight "
    "monk priest wizard giant dwarf lad fellow grandson bridegroom cock ram bull godfather stepfather sultan"
)
WOMEN = _words(
    "woman girl queen princess mother daughter sister aunt niece grandmother wife lady maid maiden witch bride widow "
    "empress duchess nun fairy mermaid stepmother godmother granddaughter hen cow ewe nurse stepdaughter"
)
PEOPLE = _words(
    "child children people person baby servant soldier hunter huntsman fisherman shepherd farmer peasant miller tailor "
    "shoemaker blacksmith smith cook gardener merchant sailor captain thief robber beggar traveller stranger guest "
    "neighbour master mistress teacher doctor judge minister counsellor musician painter keeper guard porter coachman "
    "ghost spirit angel devil demon goblin troll elf ogre dragon monster god goddess hero enemy friend parents men "
    "women boys girls kings sisters brothers sons daughters soldiers servants villagers giants dwarfs fairies "
    "animal beast dog cat horse mare pony donkey ass goat sheep lamb pig wolf fox bear lion tiger elephant monkey ape "
    "rabbit hare mouse rat squirrel deer stag hind bird eagle raven crow dove duck goose swan sparrow owl nightingale "
    "parrot fish frog toad snake serpent turtle tortoise crocodile alligator badger hedgehog spider bee ant kitten "
    "chicken stork seal whale rooster wren robin puppy calf foal kid lizard crab jellyfish"
)
PLACES = _words(
    "castle palace house hut cottage cabin inn tavern mill church chapel temple tower hall room chamber kitchen cellar "
    "attic barn stable garden orchard forest wood woods jungle field meadow hill mountain valley cave cavern river "
    "stream brook lake pond sea ocean shore beach coast island harbour port town city village kingdom country land "
    "desert road path bridge gate well market square school prison ship boat deck camp farm grave churchyard world"
)
SAYING = _words(
    "said asked answered replied cried called shouted whispered exclaimed thought spoke begged told wondered sobbed "
    "laughed muttered growled barked sang says asks answers replies"
)
BEING = _words("is was are were has had am been")
BEFORE_PLACES = _words("in at to from into near through toward towards across beyond inside outside around over onto")
DETERMINERS = _words("the a an this that these those his her their my your our its every each another")
TITLES = _words(
    "mr mrs miss ms dr sir lady lord king queen prince princess captain professor father mother aunt uncle saint st "
    "doctor count countess duke duchess baron old little young"
)
NOT_NAMES = _words(
    "i the a an and but or so then when where what who whom whose why how if as at by for from in into of on to with "
    "he she it they we you his her its their our your my me him them us this that these those there here now not no "
    "yes oh ah alas well come go let do did is was are were be been have has had will would shall should can could "
    "does may might must one two three four five six seven eight nine ten once upon after before while until till "
    "since because though although yet still just only even ever never always again all any some many much more most "
    "every each both other another such same very too also nor neither either perhaps indeed suddenly meanwhile "
    "however god heaven mr mrs miss sir madam chapter monday tuesday wednesday thursday friday saturday sunday "
    "january february march april june july august september october november december christmas easter english french "
    "german good great old new young little first last next look see tell give take make say day night morning evening"
)
NOT_THINGS = _words(
    "time times day days night nights morning evening year years hour hours minute moment week month way end rest side "
    "middle top bottom edge part piece place thing things one ones two three other others same whole first second "
    "third last next matter kind sort name word words voice story tale reason question answer news truth life death "
    "heart mind hand hands head face eye eyes arm arms foot feet hair back mouth nose ear ears neck knee knees finger "
    "fingers tears sun moon sky air wind rain light darkness ground earth water fire most best great little old young "
    "good poor more whole very lot few number pair sight sound noise idea moments fact evil joy sorrow trouble world "
    "which that what who had was were is are has have be been being would could should will shall may might must not "
    "and but or so as at by for from in into of on to with than then there here when where while"
)
STOP_WORDS = NOT_NAMES | DETERMINERS | SAYING | BEING | BEFORE_PLACES
