"""The words of English that can change a request: few, closed, and so listed in full.

All other words are known by their class alone.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PEOPLE = _words(
    "i we he she they everybody everyone someone somebody people folks mum mom mummy dad daddy"
)
"""Subjects who are neither robot nor object."""

THINGS = _words("it this that there these those everything something today")
"""Subjects that may stand for the object."""

DETERMINERS = _words(
    "the a an my our his her your their its this that these those some every each all"
)
NOTICING = _words("see know notice find")
ROBOT = _words("robot robots robo bot machine gripper arm")
LIKINGS = _words("like love have prefer see appreciate")
POSTURES = _words("sit sits sitting sat stand stands standing live lives living")
LYING = _words("lies sits stands rests waits")

PLEASE = _words("please pls plz kindly")
PRONOUNS = _words("me him her them us you myself everyone everybody someone somebody")
FUNCTION_WORDS = PRONOUNS | _words(
    "himself herself itself themselves yourself yourselves ourselves oneself mine yours ours "
    "hers theirs whose whom whoever whatever whichever wherever such than unto amid amidst "
    "among amongst throughout via per versus plus during despite because although though "
    "whereas whereby since lest till regarding concerning anybody anything nobody everything "
    "something whether these those both each every another other others onto toward with"
)
"""Of no class in the table, and no names."""

OWNERS = _words("my our his her their")

BE = _words("am are is was were be been being")
COPULAS = BE | _words(
    "look looks looked seem seems seemed smell smells smelled taste tastes tasted feel "
    "feels felt sound sounds get gets got become becomes became"
)
HAVE_DO = _words("have has had do does did having")
MODALS = _words("can could will would shall should must may might ought cannot")
AUXILIARIES = BE | HAVE_DO | MODALS

WISHES = _words(
    "want wants wanted need needs needed require requires required demand demands demanded "
    "order orders ordered request requests requested desire desires deserve deserves"
)
"""What follows may be asked of the robot."""

REPORTS = _words(
    "say says said tell tells told ask asks asked instruct instructs instructed command "
    "commands commanded write writes wrote written read reads shout shouts shouted whisper "
    "whispers repeat repeats dream dreams dreamt dreamed imagine imagines imagined pretend "
    "pretends pretended suppose supposed claim claims claimed answer answers answered reply "
    "replied quote quotes mean means meant sentence sentences phrase quotation words text "
    "title caption saying manual instruction instructions order orders follows following"
)
"""What follows is somebody else's, or not meant."""

OPINIONS = WISHES | _words(
    "think believe mean like agree approve allow permit consent feel care trust"
)
"""What takes a request back where it is negated."""

HARDLY = _words("hardly barely scarcely rarely seldom never not")

TAKES_BACK = _words(
    "lying joking testing teasing wait actually oops scratch changed change cancel "
    "cancelled wrong mistake mistaken lied kidding instead forget stay stays stayed remain "
    "remains remained keep keeps kept stop stops stopped gone missing finished done already "
    "fine enough nothing nobody none neither nor joke jokes prank hoax example pretence "
    "nonsense rubbish undo ignore disregard avoid refuse hate hates forbid forbids "
    "forbidden prohibit prevents prevent unless except"
)
"""What may make something else of a request, wherever it stands."""

QUESTIONS = _words("what who whom whose why how which")

CHANGING = (
    TAKES_BACK
    | REPORTS
    | QUESTIONS
    | _words(
        "often sometimes usually always constantly "
        "zero two three four five six seven eight nine ten eleven twelve twenty thirty fifty "
        "hundred thousand dozen couple several few many twice thrice double again half halfway "
        "midway quarter other another opposite reverse reversed reversely mirrored mirror back "
        "backward backwards away apart around aside sideways upside inverted inside outside far "
        "near next last second third previous former latter remaining empty imaginary fake toy "
        "invisible same different similar almost nearly barely hardly only merely except but "
        "less least more most fewer lesser non un degree degrees inch inches centimetre "
        "centimetres centimeter centimeters metre metres meter meters millimetre millimetres cm "
        "mm foot feet yard yards step steps distance height depth length width angle direction "
        "position later soon tomorrow yesterday tonight eventually someday sometime never ever "
        "once until till while if whether when whenever unless otherwise than north south east "
        "west anticlockwise clockwise counterclockwise lengthwise crosswise upright vertical "
        "horizontal flat diagonal crossways wrong false negative minus plus nowhere anywhere "
        "everywhere elsewhere alone still where is are was were am has had does did be been "
        "then and or not no what's daily weekly monthly hourly yearly fully half-way midair air "
        "floor ground sky out home upstairs downstairs indoors outdoors inward inwards outward "
        "outwards upward upwards downward downwards onward onwards overboard overhead yonder "
        "forth aloft outer inner side sides edge corner end ends piece pieces part parts"
    )
)
"""Never harmless on their own: number, order, comparison, time, direction, place, question."""

FAR_FROM_NOW = _words(
    "signal cue mark bell whistle clap command notice sign nod second seconds minute "
    "minutes hour hours day days week weeks month months year years while moment moments "
    "noon midnight morning evening afternoon night tomorrow sunset sunrise later"
)
"""Lengths and points of time, which would put a request off or limit it."""

MEASURES = _words(
    "speed speeds pace velocity rate tempo force pressure strength power altitude elevation level "
    "acceleration volume temperature"
)
"""Of a motion: how fast, how hard, how high."""

VIEWPOINTS = _words("perspective view viewpoint point standpoint vantage angle eyes position side")
"""From where left and right are seen."""

TOOLS_OF_THE_ROBOT = _words(
    "finger fingers hand hands gripper grippers claw claws arm arms grip grasp jaw jaws clamp"
)
"""What a robot holds with anyway."""

VIEWS = _words(
    "like for as being having given considering despite regarding concerning according owing due "
    "unlike speaking thanks"
)
"""What a phrase begins with that says under which view a request is made."""

NO_CALL = MODALS | _words(
    "i we when while where which let let's want need needs use using do gets there wish for"
)
"""Fillers that stand in no call to somebody."""
