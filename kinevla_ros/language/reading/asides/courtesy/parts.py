"""Words that formulas of courtesy are made of, as regular expressions."""

from __future__ import annotations

FOND = (
    "(?:grateful|glad|happy|happier|delighted|thankful|obliged|pleased|lovely|great|nice|good|"
    "wonderful|perfect|ideal|best|kind|brilliant|fantastic|helpful|marvell?ous|splendid|super|"
    "awesome|excellent|amazing|fabulous|terrific|swell|thrilled|honoured|honored|appreciated|neat|"
    "sweet|cool|appreciative|overjoyed|over the moon|better|easier|nicer|a (?:pleasure|treat|joy)|"
    "an honou?r|a (?:very |really )?happy (?:man|woman|person|girl|boy|lad|camper))"
)
VERY = r"(?:(?:most|very|so|much|more|forever|\w+ly) ){0,2}"
MUCH = "(?:very much |so much |a lot )?"
WOULD = "(?: would| could| should| 'd|'d)"
YOU = "you(?: would| could| can| might| 'd|'d| were to| will|)"
HARM = (
    "(?:(?:squash|crush|drop|spill|break|damage|hurt|bruise|scratch|squeeze|dent|bump|knock|shake|"
    "tear|smash|burn|dawdle|hurry|rush|worry|panic|fret|fumble|slip|wobble|squish|mash|snap|ruin|"
    "mangle|stain|dirty|topple|trip|bang|crumble|crack|harm|mak)(?:ing|ping|e)?|dropping|breaking|"
    "(?:mak|mess)(?:e|ing) (?:a mess|a noise|noise|any noise|it up|up)|be (?:so |too )?rough)"
)
"""What nobody wants to befall an object, or an order to keep calm."""
TOO_MUCH = "(?:too much|any|no|a lot of|much|a) (?:trouble|bother|problem|hassle|inconvenience)"
HOLDING = "(?:hold|holding|grip|gripping|grasp|grasping|grab|grabbing)"
SURE = r"(?: that| to)?(?: you(?: are)?(?= \w+ing\b)| you)?"
PEOPLE = (
    "(?:guests?|wife|husband|mother|father|mum|mom|dad|son|daughter|friends?|family|kids|children)"
)
WHO = "i|we|you|he|she|they|(?:my|our|the) \\w+"
TO_DO = "(?: (?:have |need |ought |got )?to do| done| to have done| to get done)?"
START = "(?:(?<=^)|(?<=, ))"
ACTING = (
    "(?:tak|hold|grab|grasp|gripp|grip|pick|lift|mov|put|putt|plac|bring|carry|set|sett|lay|transfer|"
    "transferr|transport|shift|slid|reloc)\\w*|get|getting"
)
