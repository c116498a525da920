"""Words of English that every task set shares: verbs, prepositions, politeness, what says no.

Objects, slots and their words are those of the task set; these say how they hang together.
"""

from __future__ import annotations

from collections.abc import Iterable


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GRASP_VERBS = _words(
    "grasp grab hold grip take lift get pick seize clutch clasp pinch fetch raise pluck nab "
    "snatch hoist clamp nip collect retrieve secure catch snag acquire obtain heft elevate "
    "gather clench cradle scoop embrace"
)
MOVE_VERBS = _words(
    "move carry bring shift transfer transport place put set lay release leave position "
    "deliver deposit relocate reposition go belong come slide stick pop convey ferry rest "
    "park plonk plop guide travel settle situate install steer arrange scoot lug haul tote "
    "pass plunk plant perch locate station whisk usher send advance nestle stow stash dock "
    "drop keep shuffle lodge escort land ship displace glide direct"
)
IRREGULAR = {
    "hold": ("held",),
    "take": ("taken", "took"),
    "get": ("got", "gotten"),
    "carry": ("carried",),
    "bring": ("brought",),
    "put": ("put",),
    "set": ("set",),
    "lay": ("laid",),
    "go": ("gone", "goes"),
    # "left" is a side unless "be left on" says otherwise.
    "leave": (),
    "come": ("comes",),
    "slide": ("slid",),
    "send": ("sent",),
    "stick": ("stuck",),
    "catch": ("caught",),
    "keep": ("kept",),
    "travel": ("travels",),
    "belong": ("belongs",),
}

PLACE_PREPOSITIONS = _words("to towards toward on onto into in at over upon")
"""In front of where something goes or is."""

GRASP_PREPOSITIONS = _words("by around near")
"""In front of where something is grasped."""

OTHER_RELATIONS = _words(
    "behind beside besides between below beneath under underneath above from off through "
    "past against across along away beyond outside inside opposite after before until"
)
"""Places and times that no slot can name, unless a phrase makes them harmless."""

ARTICLES = _words("the a an its that this their his her our")

NEGATIONS = _words(
    "not no never don't dont without neither nor none nothing avoid except stop cancel "
    "abort instead unless cant cannot wont halt quit refuse forbid forget sorry wait "
    "actually oops scratch anything anywhere anyone"
)
CHOICES = _words("or either both whichever any")

NO_MANNER = _words(
    "hardly barely scarcely rarely seldom nearly only early lately previously formerly "
    "recently supposedly allegedly falsely wrongly inversely conversely oppositely "
    "vertically horizontally laterally upwardly downwardly backwardly repeatedly "
    "alternately partially partly mostly reply apply supply fly multiply comply rely "
    "assembly family belly jelly lily ally bully rally tally imply july italy butterfly "
    "unlikely contrarily impossibly eventually ultimately temporarily occasionally regularly "
    "periodically constantly continually continuously frequently infrequently originally "
    "initially conditionally optionally hypothetically theoretically virtually practically "
    "approximately separately jointly individually respectively successively doubly singly"
)
"""What ends as an adverb of manner does, and is none or changes what is asked for."""

FILLERS = _words(
    "please pls plz kindly carefully gently slowly softly okay ok now just robot hey hi hello "
    "thanks thank you me i so there here where want can could would should will must shall "
    "may might simply straight directly diagonally further as well safely let let's for while "
    "when using use do u your my gripper gets first finally but which alright somewhere we us "
    "need needs wish rather quite bit dear darling mate buddy pal lad mummy mum mom dad um uh "
    "er erm hm ah oh good morning afternoon evening cheers quick quickly immediately asap "
    "promptly today tonight nice lovely fresh whole entire tasty delicious crusty closer "
    "nearer close else everyone folks guys friend mister chef boss captain champ bro dude "
    "computer droid android cobot assistant helper gizmo machine arm robo bot sweetheart "
    "honey tight firm steady gentle yes yeah yep yup aye sure oi ey eh ay yo hiya howdy ahoy "
    "ta thx ty tysm tks thnx lol haha na yaar bhai lah innit bruv roger hehe omg whoa wow ooh "
    "ahh uhm umm hmm mmm gosh gee blimey jeez alas alrighty kinda sorta"
)
"""What changes neither the goal nor the motion."""

THEN = _words("then next afterwards afterward")

PARTICLES = {"up": GRASP_VERBS, "down": MOVE_VERBS}
"""What may stand apart from its verb, as in "pick it up"."""

ADVERBS = _words("right")
"""Words of slots that mean "directly" in front of a preposition, as in "right on the table"."""

LOWERING = {"lower": "put"}
"""Words of slots that are verbs as well, and the verb that they mean."""

TOWARDS = _words("to towards toward into onto")
"""What makes an object the place where something goes."""

REQUESTERS = _words("i you we he she they robot")
"""Who reports instead of asking where a verb in the past tense follows."""


ANNOUNCING = _words("will shall may might can could would")
"""What makes an announcement of a verb behind "we" or "they"."""


ASKING = _words("do must shall should")
"""What begins a question in front of a subject."""

DOUBLED = _words("get put set grip grab drop tip transfer pop plop nip lug nab")
"""Verbs whose last letter is doubled in front of an ending."""


def forms(verb: str) -> tuple[set[str], set[str]]:
    """A verb as it is said now (with its gerund), and its participles and past tenses."""
    stem = verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb
    double = stem + stem[-1] if verb in DOUBLED else stem
    past = set(IRREGULAR.get(verb, (f"{stem[:-1]}ied" if verb.endswith("ry") else f"{double}ed",)))
    return {verb, double + "ing"}, past - {verb}


def verb_forms(verbs: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Each form to its verb: those of a request, and those of a passive or a report."""
    asking: dict[str, str] = {}
    past: dict[str, str] = {}
    for verb in verbs:
        now, done = forms(verb)
        asking |= dict.fromkeys(now, verb)
        past |= dict.fromkeys(done, verb)
    return asking, past
