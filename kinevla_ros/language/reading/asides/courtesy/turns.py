"""Turns of phrase that are left when all other courtesy is gone: "make it go", "is for"."""

from __future__ import annotations

from kinevla_ros.language.reading.asides.courtesy.parts import ACTING, START

TURNS = (
    ("(?:grab|latch|hold|hang|cling)(?:ing)? (?:on to|onto)", "hold"),
    (
        r"be (?:very )?(?:careful|gentle|nice) (?:with|to)(?= (?:the|that|this|my)\b)",
        "",
    ),
    # "make the cup go to", "have the cup moved": the cup is to go there.
    (
        r"(?:make|have|get|let) ((?:[\w']+ ){1,4}?)(?:to )?(?:go|move|travel|"
        r"come|end up|land|"
        r"sit|lie|rest|be)(?= (?:\w+ly )?(?:on|at|in|to|towards?|straight|"
        r"directly|forwards?|ahead|"
        "left|right)\\b)",
        r"\1 go",
    ),
    # "the left of the shelf is for the cup".
    (
        r"(?:is|'s) (?:\w+ly )?(?:meant |reserved |waiting |ready |intended |"
        r"free |kept |there |"
        "good |perfect )?(?:for|where)(?= (?:the|my|our|this|that|your) )",
        ",",
    ),
    (
        "(?:and )?(?:mind|remember|note)(?: that)? you(?= (?:take|hold|"
        "grab|grip|grasp|pick|put|place)\\b)",
        "and",
    ),
    (
        "(?:take|get|grab|catch|keep|have|taking|getting|grabbing|keeping)(?: (?:a|"
        "good|firm|tight))* "
        "hold of",
        "hold",
    ),
    (r"(?<!the )(?<!and )(?<!to )(?:dead |right |straight )in front", "to the front"),
    ("(ahead|forward|forwards) of (?:you|yourself)", r"\1"),
    (
        "from (?:where it (?:is|lies|sits|stands|'s|rests)|its (?:current|present|old|"
        "original)? ?(?:place|position|spot|location)|here|there)(?: (?:now|"
        "right now|currently|at "
        "the moment|at present))?",
        "",
    ),
    # "Right, …" and "right then": well.
    (
        "^(?:(?:ok|okay|so|well|all) ?,? )?right(?: then| so| now)? ,(?= (?:\\w+ )*?(?:the|"
        "take|hold|put|grab|pick|"
        "move|please)\\b)",
        "",
    ),
    ("out of (?:the|my|our|everyone's) way", ""),
    ("(?:down )again(?= (?:on|at|in|to|,))", "down"),
    (
        "(?:in|to|at) (?:another|a different|some other) (?:place|spot|position|location)",
        "somewhere",
    ),
    (
        r"for (?:the|this|our|my) (?:next|first|second|last|final|present|"
        r"current) (?:\w+)(?= ,)",
        "",
    ),
    ("(?:kind|sort) of", ""),
    ("(?:just )?(?:for )?this time(?: around)?|this (?:round|turn)|for now", ""),
    ("(?:please )?(?:do|i want|i need) (?:me )?(?:one|a|this|1) (?:thing|work)(?= ,)", ""),
    (
        "help (?:me|us)(?: to)?(?: out(?: and)?)?"
        rf"(?= (?:{ACTING})\b)",
        "",
    ),
    (rf"{START}(?:\w+ )?let's see(?= )", ""),
    ("(?:to|needs to|has to|should|must) sit(?= )", "go"),
    # "carry am go": it.
    (
        rf"((?:{ACTING}|keep|drop|push|carry)) am(?= (?:for|go|to|on|at|by|"
        rf"near|from|,))",
        r"\1 it",
    ),
    ("(?:in )?(?:a |the )?diagonal(?: line| direction)?(?= ,|$| to | and )", "diagonally"),
)
