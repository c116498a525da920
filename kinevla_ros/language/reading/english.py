"""Words of English that every task set shares: verbs, prepositions, politeness, what says no.

Objects, slots and their words are those of the task set; these say how they hang together.
"""

from __future__ import annotations

from collections.abc import Iterable


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GRASP_VERBS = _words(
    "grasp grab hold grip take lift get pick seize clutch clasp pinch fetch raise pluck nab snatch "
    "hoist clamp nip"
)
MOVE_VERBS = _words(
    "move carry bring shift transfer transport place put set lay release leave position deliver "
    "deposit relocate reposition go belong come slide stick pop convey ferry rest park plonk plop "
    "guide travel settle situate install steer"
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
    "slide": (),
    "stick": ("stuck",),
    "travel": ("travels",),
    "belong": ("belongs",),
}

PLACE_PREPOSITIONS = _words("to towards toward on onto into in at over upon")
"""In front of where something goes or is."""

GRASP_PREPOSITIONS = _words("by around near")
"""In front of where something is grasped."""

OTHER_RELATIONS = _words(
    "behind beside besides between below beneath under underneath above from off through past "
    "against across along away beyond outside inside opposite after before until"
)
"""Places and times that no slot can name, unless a phrase makes them harmless."""

ARTICLES = _words("the a an its that this their")

NEGATIONS = _words(
    "not no never don't dont without neither nor none nothing avoid except stop cancel abort "
    "instead unless cant cannot wont halt quit refuse forbid forget sorry wait "
    "actually oops scratch anything anywhere anyone"
)
CHOICES = _words("or either both whichever any")

TELLING_APART = _words(
    "other another wrong opposite far near next last second third remaining empty imaginary fake "
    "toy invisible missing same different left right previous former"
)
"""Adjectives that name another thing than the one that is known."""

NO_MANNER = _words(
    "hardly barely scarcely rarely seldom nearly only early lately previously formerly recently "
    "supposedly allegedly falsely wrongly inversely conversely oppositely vertically horizontally "
    "laterally upwardly downwardly backwardly repeatedly alternately partially partly mostly "
    "reply apply supply fly multiply comply rely assembly family belly jelly lily ally bully rally "
    "tally imply july italy butterfly unlikely contrarily impossibly"
)
"""What ends as an adverb of manner does, and is none or changes what is asked for."""

FILLERS = _words(
    "please pls plz kindly carefully gently slowly softly okay ok now just robot hey hi hello "
    "thanks thank you me i so there here where want can could would should will must shall may "
    "might simply straight directly diagonally further as well safely let let's for while when "
    "using use do u your my gripper gets first finally but which alright "
    "somewhere we us need needs wish rather quite bit dear darling mate buddy pal lad mummy "
    "mum mom dad um uh er erm hm ah oh well good morning afternoon evening cheers "
    "quick quickly immediately asap promptly today tonight nice lovely fresh whole entire tasty "
    "delicious crusty "
    "closer nearer close else everyone folks guys friend mister chef boss captain champ bro "
    "dude machine arm robo bot "
    "sweetheart honey "
    "folks "
)
"""What changes neither the goal nor the motion."""

THEN = _words("then next afterwards afterward")

PHRASES: dict[str, str] = {
    # Courtesy.
    "would you mind": "",
    "do you mind": "",
    "would you be so kind as to": "",
    "be so kind as to": "",
    "be so kind and": "",
    "would it be possible to": "",
    "is it possible to": "",
    "i would be glad if you": "",
    "i'd be glad if you": "",
    "thank you very much": "",
    "thank you so much": "",
    "many thanks": "",
    "you know": "",
    "a bit": "",
    "a little bit": "",
    "a little": "",
    "a touch": "",
    "my love": "",
    "somewhere else": "somewhere",
    "over here": "here",
    "over there": "there",
    "in front": "to the front",
    "up front": "to the front",
    "that thing": "it",
    "this thing": "it",
    "the thing": "it",
    "this one": "it",
    "that one": "it",
    "these": "it",
    "dead straight": "straight",
    "right up": "",
    "up close": "",
    "up to": "to",
    "up towards": "towards",
    "up toward": "toward",
    "it 's": "it be",
    "drop off": "leave",
    "drop it off": "leave it",
    "thanks a lot": "",
    "right now": "",
    "across to": "to",
    "sits at": "go at",
    "sits in": "go in",
    "sits on": "go on",
    "along to": "to",
    "round to": "to",
    "in a straight line": "straight",
    "robot arm": "robot",
    "old chap": "",
    "my friend": "",
    "straight away": "",
    "at once": "",
    "as soon as possible": "",
    "as soon as you can": "",
    "when you can": "",
    "whenever you can": "",
    "when you are ready": "",
    "whenever you are ready": "",
    "when you get a chance": "",
    "when you have a moment": "",
    "where it is": "nothing",
    "where it was": "nothing",
    "as it is": "nothing",
    "right away": "",
    "all right": "",
    "if you please": "",
    "if possible": "",
    "if you can": "",
    "your job is to": "",
    "your task is to": "",
    "go ahead and": "",
    "go and": "",
    "make sure that": "",
    "make sure to": "",
    "make sure": "",
    "be sure to": "",
    "i would like you to": "",
    "i'd like you to": "",
    "i would like to have": "",
    "i would like": "",
    "i'd like": "",
    "i want you to": "",
    "i want": "",
    "i want to see": "",
    "i want to have": "",
    "i'd love you to": "",
    "i'd love for you to": "",
    "i'd love": "",
    "i think": "",
    "i guess": "",
    "may i ask you to": "",
    "can i ask you to": "",
    "i ask you to": "",
    "your task": "",
    "your job": "",
    "i need you to": "",
    "i need": "",
    "you should": "",
    "you have to": "",
    "you need to": "",
    "you can": "",
    "with care": "",
    "with caution": "",
    # Passive voice.
    "is to be": "be",
    "are to be": "be",
    "has to be": "be",
    "have to be": "be",
    "needs to be": "be",
    "need to be": "be",
    "ought to be": "be",
    "should be": "be",
    "must be": "be",
    "wants to be": "be",
    "could be": "be",
    "can be": "be",
    "may be": "be",
    "to be": "be",
    "it is": "it be",
    "needs to go": "go",
    "has to go": "go",
    "is where": "where",
    "be left on": "leave on",
    "be left at": "leave at",
    "be left in": "leave in",
    # Where the object lies, which changes nothing.
    "lying on the table": "",
    "lying there": "",
    "which lies on the table": "",
    "that lies on the table": "",
    "which is on the table": "",
    "that is on the table": "",
    "which lies there": "",
    "that lies there": "",
    "from the table": "",
    "off the table": "",
    # Verbs of more than one word.
    "take hold of": "hold",
    "taking hold of": "holding",
    "get hold of": "hold",
    "hold on to": "hold",
    "holding on to": "holding",
    "hold onto": "hold",
    "close on": "hold",
    "close around": "hold",
    "a grip on": "hold",
    "pick up": "pick",
    "picks up": "pick",
    "picked up": "picked",
    "picking up": "picking",
    "lift up": "lift",
    "lifted up": "lifted",
    "lifting up": "lifting",
    "take up": "take",
    "put down": "put",
    "putting down": "putting",
    "set down": "set",
    "setting down": "setting",
    "lay down": "lay",
    "laying down": "laying",
    "place down": "place",
    "placed down": "placed",
    "let go of": "release",
    "reach for": "grasp",
    "close the gripper": "",
    "open the gripper": "",
    "between the fingers": "",
    "between your fingers": "",
    "with the fingers": "",
    # Places.
    "on top of": "on",
    "in front of": "before",
    "next to": "beside",
    "close to": "beside",
    "after that": "then",
    "and then": "then",
}
"""Phrase to what it stands for, longest first wins; "" where it changes nothing."""

PARTICLES = {"up": GRASP_VERBS, "down": MOVE_VERBS}
"""What may stand apart from its verb, as in "pick it up"."""

ADVERBS = _words("right")
"""Words of slots that mean "directly" in front of a preposition, as in "right on the table"."""

TOWARDS = _words("to towards toward into onto")
"""What makes an object the place where something goes."""

REQUESTERS = _words("i you we he she they robot")
"""Who reports instead of asking where a verb in the past tense follows."""


def forms(verb: str) -> tuple[set[str], set[str]]:
    """A verb as it is said now (with its gerund), and its participles and past tenses."""
    stem = verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb
    double = stem + stem[-1] if verb in ("get", "put", "set", "grip", "grab", "tip") else stem
    past = set(IRREGULAR.get(verb, (double + "ed",)))
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
