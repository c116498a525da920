"""Sentences about a state that ask for it: "it is time for the cup to be moved"."""

from __future__ import annotations

from kinevla_ros.language.reading.asides.courtesy.parts import (
    HOLDING,
    MUCH,
    SURE,
    TOO_MUCH,
    VERY,
    WOULD,
    YOU,
)

STATES = (
    ("gimme", "bring"),
    (
        r"(?:would|might|will|could) (?:look|fit|sit|do|go)(?: \w+ly| nice| good| great| "
        r"lovely| well)?"
        r"(?= (?:on|at|in|to)\b)",
        "be",
    ),
    ("lemme", "let me"),
    ("(i|we) should (like|love|prefer|appreciate)", r"\1 would \2"),
    (
        "(?:is|are|'s|would be|was) (?:wanted|required|needed|requested|expected|desired|due|"
        "meant|supposed|"
        r"destined|intended|best)(?: to (?:be|go))?(?= (?:on|at|in|to|towards|over|left|right|"
        r"placed|put|moved)\b)",
        "be",
    ),
    (
        "'s (?:right |proper |rightful |new )?(?:place|spot|home|destination|target|goal|"
        "position|location)"
        " (?:is|be|'s)",
        " be",
    ),
    (
        r"(?:wants?|needs?|requires?|deserves?|could do with) (?=(?:mov|plac|putt|sett|lay|"
        r"bring|carry|hold|gripp|grasp|transport|transferr)\w*ing\b|(?:lay|bring|carry|hold|"
        r"grasp)ing\b)",
        "be ",
    ),
    (
        "(?<=, )(?:and )?that (?:is|'s) (?:all|it|an order|the way|how it is)(?: (?:i|we) "
        "(?:ask|want|need|like)(?: it| of you)?)?"
        "(?: for (?:it|this|that))?(?= ,|$)",
        "",
    ),
    (
        r"(?:i|we) would (?:rather|sooner|prefer it if|prefer that) you (?=(?:\w+ed|held|took|"
        r"brought|laid|got|put|set)\b)",
        "be ",
    ),
    (
        "you would (?:help|oblige|make|please|do)(?: me| us)(?: a lot| greatly| very happy| "
        "so happy| happy| a favou?r| a great favou?r|)? (?:by|if you)",
        "",
    ),
    (r"having (?=(?:\w+ed|held|taken)\b)", "after "),
    (
        "you are (?:now )?(?:to|going to|supposed to|meant to|expected to|welcome to|free to|"
        "asked to|requested to|"
        "kindly asked to|kindly requested to|invited to|allowed to)",
        "",
    ),
    (
        "(?:(?:i|we) (?:think|find|consider|believe)(?: that)? )?it (?:is |would be |might be "
        "|may be |could be |'s |)(?:a )?"
        "(?:best|better|nice|wise|smart|clever|good idea|advisable|preferable|good)(?: if you|"
        " to| that you)",
        "",
    ),
    (
        "(to|should|must|shall|will|can|could|may|might) (?:find its way|find its place|make "
        "its way|find itself|"
        r"land|arrive|appear|be seen|be found|be located|be situated|get)(?= (?:on|at|in|to|"
        r"onto)\b)",
        r"\1 go",
    ),
    (
        "would (?:be|do) (?:much |far |so |even )?(?:better off|best|better|good|well)(?: off)?",
        "be",
    ),
    (
        r"would be (?:\w+ly |much |most |very )?(?:appreciated|welcome|preferred|desired|"
        r"desirable|nice|"
        "lovely|great|perfect|ideal|wonderful)",
        "be",
    ),
    (
        r"do (?:me|us) (?:the|a) (?:\w+ )?(?:honou?r|favou?r|kindness|service|courtesy|pleasure)"
        "(?: of| and| to| by)",
        "",
    ),
    (
        "(?:i|we) (?:need|want|could use|require)(?: some| your| a little| a bit of)? (?:help|"
        r"assistance) with(?= (?:the|that|this|my) (?:\w+ )?\w+ ,)",
        "",
    ),
    (r"(?:as if|as though) [^,]*?(?= ,| and |$)", ""),
    ("(?:while|when|in|by) (?:doing|you do) (?:so|that|this|it)", ""),
    (r"be \w+ (?:when|while|as)(?: you(?: are)?)?(?= \w)", ""),
    ("(?:hurry up|hurry|come on|go on|stand up|wake up|get up|get going) and", ""),
    (
        r"(?:(?<=^)|(?<=, )|(?<=please )|(?<=so )|(?<=(?:could|would) you )|(?<=can you )|"
        r"(?<=will you ))have (?=(?:the|that|this|my) )",
        "",
    ),
    (r"to please (?=(?:the|my|our|his|her|them|him|me|us|everyone)\b)", "to delight "),
    ("(?:next|now|first)(?: up)?(?: is| comes)(?= the| my| our)", ""),
    ("(?:give|get) (?:me|us|him|her|them)", "bring"),
    (r"and keep it (?=(?:on|at|in|to)\b)", "and put it "),
    ("off to", "to"),
    # What lies or stands somewhere is there.
    (
        "(?:has to|have to|needs to|need to|ought to|is to|are to|had better|to|should|must|"
        "can|could|may|might|will|shall)(?: come to| be able to)? "
        r"(?:lie|sit|stand|rest|live)(?= (?:on|at|in|to|upon|left|right|down)\b)",
        "be",
    ),
    ("make ((?:\\w+ ){1,3}?)(?:lie|sit|stand|rest|go)(?= (?:on|at|in|to)\\b)", r"\1 be"),
    (
        rf"(?:i|we){WOULD} {VERY}(?:appreciate|love|like|prefer) (?:it )?{MUCH}"
        rf"(?:if {YOU}|if|to have|to see)",
        "",
    ),
    (
        "if (?:it|that|this) (?:is|'s|isn't|is not|'s not|wouldn't be|would not be|were not|"
        "weren't) "
        f"{TOO_MUCH}",
        "",
    ),
    ("if (?:it is|it 's|that 's|that is) (?:ok|okay|all right|alright|possible|fine)", ""),
    ("if you (?:do not|don't|would not|wouldn't) mind", ""),
    (
        "be an? (?:good |dear |real )?(?:lad|boy|girl|love|dear|friend|mate|sport|pal|angel|"
        "darling|fellow|robot) and",
        "",
    ),
    (
        r"do (?:me|us) (?:a|the) (?:big |huge |small )?(?:favou?r|kindness)(?: , (?:\w+ )?\w+ "
        r",)? and",
        "",
    ),
    (r"be an? (?:\w+ ){1,3}and", ""),
    (
        "(?:why don't you|why do not you|let's see you|let us see you|how about you|would it be "
        "possible for|is it possible for|any chance you could|is there any chance you could)",
        "",
    ),
    ("(?:may|can|could|might) (?:i|we) (?:please )?(?:have|get|see)", ""),
    ("let's (?:please )?have", ""),
    (
        "it (?:is|'s|would be) (?:very |really |quite |absolutely |so )?(?:important|"
        "imperative|necessary|"
        "essential|vital|crucial|required|advisable|urgent|desirable|my wish|our wish)"
        "(?: that| for you to| to)",
        "",
    ),
    (r"(?:can|could|may|might) i ask (?:you )?(?:for )?(?:a|one) (?:\w+ )?favou?r", ""),
    (r"(?:excuse|pardon|forgive) (?:me|us|my \w+|our \w+|the \w+)", ""),
    (
        "(?:if|when|whenever) (?:it|that|this) (?:pleases|suits|works for|is fine with|is "
        "okay with|is ok with) (?:you|your majesty)",
        "",
    ),
    (
        r"is (?:how|where|the way) (?:i|we|he|she|they|(?:my|our|the) \w+) (?:wants?|needs?|"
        r"would like|'d like|would prefer)",
        "",
    ),
    (f"(?:make|making) (?:very |quite |really )?(?:sure|certain){SURE}", ""),
    ("(?:ends? up|comes? to rest|winds? up|finish(?:es)? up)", "go"),
    (
        r"(?:^|(?<=, ))(?:please )?(?:do you |can you |did you |you )?(?:see|look at|notice|"
        r"spot|remember) "
        r"(?=(?:the|that|this) (?:\w+ ){1,3}, \w)",
        "",
    ),
    # "it is the rim you're holding": what is held stands after its verb again.
    (rf"it (?:is|'s) ((?:\w+ ){{1,6}}?)(?:that )?you(?: are)? ({HOLDING})", r"\2 \1"),
)
