"""What people say around a request: courtesy, whom they speak to, why they ask.

Courtesy is a formula and is left out as one. A reason is left out only where a word of English says
that it is one, and only if nothing in it could be part of the request or take it back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto


class Sense(Enum):
    """What a word may do in a request."""

    VERB = auto()
    OBJECT = auto()
    STEP = auto()
    NO = auto()
    OTHER = auto()
    UNKNOWN = auto()


_FOND = (
    "(?:grateful|glad|happy|happier|delighted|thankful|obliged|pleased|lovely|great|nice|good|"
    "wonderful|perfect|ideal|best|kind|brilliant|fantastic|helpful)"
)
_VERY = "(?:(?:most|very|so|really|extremely|ever so|truly|much|more) )?"
_MUCH = "(?:very much |so much |a lot )?"
_WOULD = "(?: would| could| should| 'd|'d)"
_YOU = "you(?: would| could| can| might| 'd|'d| were to| will|)"
_TOO_MUCH = "(?:too much|any|no|a lot of|much|a) (?:trouble|bother|problem|hassle|inconvenience)"
_HOLDING = "(?:hold|holding|grip|gripping|grasp|grasping|grab|grabbing)"
_SURE = r"(?: that| to)?(?: you(?: are)?(?= \w+ing\b)| you)?"
_PEOPLE = (
    "(?:guests?|wife|husband|mother|father|mum|mom|dad|son|daughter|friends?|family|kids|children)"
)

_REPLACED: tuple[tuple[str, str], ...] = (
    # Written together, said apart.
    ("(i|you|we|they)'(?:m|re)", r"\1 are"),
    ("(?:wanna|want to)(?: have| see)?", "want"),
    ("gonna", "will"),
    ("gotta", "must"),
    # Wishes: "I would be most grateful if you could", "it'd be lovely if the cup came".
    (
        rf"it{_WOULD} be {_VERY}{_FOND} (?:if|to have|to see) ((?:\w+ ){{1,4}}?)(?:came|went)",
        r"\1go",
    ),
    (rf"(?:i|we|it){_WOULD} be {_VERY}{_FOND} (?:if {_YOU}|to have|to see|if|for)", ""),
    (
        rf"(?:i|we){_WOULD} {_VERY}(?:appreciate|love|like|prefer) (?:it )?{_MUCH}"
        rf"(?:if {_YOU}|if|to have|to see)",
        "",
    ),
    (rf"(?:i|we){_WOULD} {_VERY}(?:appreciate|love|like) (?:you to|for you to|it)", ""),
    (
        "if (?:it|that|this) (?:is|'s|isn't|is not|wouldn't be|would not be|were not|weren't) "
        f"{_TOO_MUCH}",
        "",
    ),
    ("if (?:it is|it 's|that 's|that is) (?:ok|okay|all right|alright|possible|fine)", ""),
    ("if you (?:do not|don't|would not|wouldn't) mind", ""),
    (r"if you (?:would|could|can|would be so kind|please)(?= ,|$)", ""),
    (
        "be an? (?:good |dear |real )?(?:lad|boy|girl|love|dear|friend|mate|sport|pal|angel|"
        "darling|fellow|robot) and",
        "",
    ),
    ("do (?:me|us) (?:a|the) (?:favou?r|kindness) and", ""),
    (
        "(?:why don't you|why do not you|let's see you|let us see you|how about you|would it be "
        "possible for|is it possible for|any chance you could|is there any chance you could)",
        "",
    ),
    ("(?:may|can|could|might) (?:i|we) (?:please )?have", ""),
    ("let's (?:please )?have", ""),
    ("i (?:really )?(?:want|need|would like) (?:you )?to have", ""),
    ("what (?:i|we) (?:want|need|would like|'d like) (?:is for|is to have|is that|is)", ""),
    ("is (?:how|where|the way) (?:i|we) (?:want|need|would like|'d like)", ""),
    (f"(?:make|making) (?:very |quite |really )?(?:sure|certain){_SURE}", ""),
    (f"(?:ensure|ensuring|see to it|seeing to it){_SURE}", ""),
    ("(?:ends? up|comes? to rest|winds? up|finish(?:es)? up)", "go"),
    (r"^(?:please )?(?:see|look at) (?=(?:the|that|this) (?:\w+ ){1,2},)", ""),
    # "it is the rim you're holding": what is held stands after its verb again.
    (rf"it (?:is|'s) ((?:\w+ ){{1,6}}?)(?:that )?you(?: are)? ({_HOLDING})", r"\2 \1"),
    # Orders and questions that are requests.
    (
        "(?:my|your|the|our) (?:next |new |first |only )?(?:order|request|task|job|instruction|"
        "command|wish|mission)(?: now)?(?: for you)?(?: is| will be|)(?: to| that you|)",
        "",
    ),
    ("(?:now )?(?:it is|it 's) time (?:for you )?to", ""),
    ("(?:would|will|are) you (?:be )?able to", ""),
    ("(?:i|we) (?:am|are) asking (?:you )?(?:to|for)", ""),
    ("do you (?:think|reckon|suppose|believe) (?:that )?you (?:could|can|might)", ""),
    (r"(?:(?:would|do) you )?mind (?=\w+ing\b)", ""),
    (
        "(?:i|we) (?:was|were|are|am) (?:just )?(?:wondering|hoping) (?:if|whether|that)?"
        "(?: you could| you can| you would| you might)",
        "",
    ),
    (
        "(?:i|we) (?:wonder|hope) (?:if|whether|that)?"
        "(?: you could| you can| you would| you might)",
        "",
    ),
    ("(?:is|would) there (?:be )?(?:any|a) (?:way|chance)(?: that)? you (?:could|can|might)", ""),
    ("(?:could|may|might|can) (?:i|we) (?:ask|trouble|bother|get) you to", ""),
    (rf"it{_WOULD} (?:really )?(?:help|help me|help us)(?: out)? if {_YOU}", ""),
    (rf"it{_WOULD} be a (?:great |big |real )?(?:help|favou?r) if {_YOU}", ""),
    ("(?:all|the thing) (?:i|we) (?:want|need|ask)(?: you to do)? is(?: for| to have| that|)", ""),
    (
        "(?:feel free|go on|proceed|try|attempt|remember|take care|be careful|do not forget|"
        "don't forget|start out|get ready) (?:to|and)",
        "",
    ),
    ("(?:start|begin) (?:by|with)", "first"),
    ("be careful(?= ,|$)", ""),
    ("(?:what|how) about", ""),
    ("is the (?:place|spot|position) (?:for|where)", "be"),
    ("let me have", ""),
    (rf"(?:i|we){_WOULD} (?:rather|sooner|prefer)(?: that you| you| it if you|)", ""),
    ("(?:kindly |please )?see (?:to it )?that", ""),
    # Where the object lies, which changes nothing.
    (
        "(?:which|that) (?:is|'s|are) (?:lying |sitting |standing |resting |placed )?"
        "(?:there|over there|on the table|on the desk|on the tabletop)",
        "",
    ),
    ("where (?:i|we|he|she) (?:am|are|is) (?:sitting|standing|now|waiting|working)", ""),
    # Names for holding.
    ("(?:with|using|taking|getting) an? (?:grasp|grip|hold) (?:at|on|of|around)", "hold"),
    (
        "as (?:the|a|your) (?:handle|grip point|gripping point|grasping point|grasp point|grip|"
        "place to hold)",
        "",
    ),
    ("the way (?:i|we|he|she) (?:like|likes|want|wants) it", ""),
    (f"for (?:(?:my|our|his|her|their|the) )?(?:lunch|dinner|breakfast|tea|{_PEOPLE})", ""),
    (", (?:my )?love(?= ,|$)", ""),
    ("(?:pretty|very|ever) (?=please|gently|carefully|slowly)", ""),
)
_COURTESY = tuple(
    (
        re.compile(
            ("" if pattern[0] in "^," else r"\b")
            + pattern
            # What ends in a look ahead says itself where it ends.
            + ("" if re.search(r"\(\?=[^)]*\)+$|,\)$", pattern) else r"(?![\w'])")
        ),
        meant,
    )
    for pattern, meant in _REPLACED
)

_WHY = re.compile(
    r"(?:, )?\b(?:since|because|as(?= (?:i|we|he|she|they|my|our|his|her|their|there|that)\b)|"
    r"so(?: that)?(?= (?:i|we|he|she|they|everyone|people) (?:can|could|may|might|will)\b)|"
    r"given that|now that) [^,]*"
)
_BEFORE_SO = re.compile(r"^(?P<why>.*), so (?=\w)")
_OF_US = re.compile(r"(?:we|i|they) are\b")

_TAKES_BACK = frozenset(
    "if only wait actually sorry oops scratch changed cancel cancelled wrong mean meant mistake "  # noqa: SIM905
    "lied kidding joking pretend imagine suppose said told whether when once until till".split()
)
"""What may make something else of a request."""


def without_asides(words: list[str], kind_of: Callable[[str], Sense]) -> list[str]:
    """The words without courtesy and without reasons.

    Args:
        words: of a sentence, with "," for whatever divides it.
        kind_of: what a word is to the request.
    """
    text = " ".join(words)
    for pattern, meant in _COURTESY:
        text = pattern.sub(meant, text)
    lead = _BEFORE_SO.match(text)
    if lead and _is_reason(lead["why"], kind_of, verbs=bool(_OF_US.match(text))):
        text = text[lead.end() :]
    text = _WHY.sub(lambda why: "" if _is_reason(why[0], kind_of) else why[0], text)
    return text.split()


def _is_reason(why: str, kind_of: Callable[[str], Sense], verbs: bool = False) -> bool:
    """Whether words can be left out: they are not wholly understood, and take nothing back.

    Args:
        verbs: whether they may hold verbs of a request: who speaks of himself asks for nothing.
    """
    said = why.split()
    senses = [kind_of(word) for word in said]
    kinds = set(senses)
    # "since I am hungry and then to the left" goes on with the request.
    goes_on = any(
        word == "and" and sense is Sense.STEP for word, sense in zip(said, senses[1:], strict=False)
    )
    if Sense.NO in kinds or _TAKES_BACK & set(said) or goes_on:
        return False
    return (Sense.UNKNOWN in kinds and Sense.VERB not in kinds) or (
        verbs and Sense.OBJECT not in kinds
    )
