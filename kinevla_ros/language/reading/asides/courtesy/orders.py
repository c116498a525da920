"""Orders and questions that are requests, and names for holding."""

from __future__ import annotations

from kinevla_ros.language.reading.asides.courtesy.parts import PEOPLE

ORDERS = (
    # "the end that is pointed" is the pointed end.
    (r"(end|part|side|bit|half) (?:that|which) (?:is|'s) (\w+)(?= and| ,| of|$)", r"\2 \1"),
    (
        r"with (?:your|the) (?:fingers?|grippers?|hands?|claws?|grip) "
        r"(?:on|at|around|holding|over)(?= (?:its|the)\b)",
        "hold",
    ),
    (
        r"(?:that )?(?:is|'s|being|be) what (?:you|i want you to)(?: should| must| have to| "
        r"need to)? "
        r"(?=(?:hold|grip|grasp|grab)\b)",
        "be ",
    ),
    ("(?:i|we) will have", ""),
    # Orders and questions that are requests.
    (
        "(?:my|your|the|our) (?:next |new |first |only )?(?:order|request|task|job|instruction|"
        "command|wish|mission)(?: now)?(?: for you)?(?: is| will be|)(?: to| that you|)",
        "",
    ),
    ("(?:now )?(?:it is|it 's) time (?:for you to|to|for)", ""),
    ("thanks to (?:you|him|her|them)", "thanks ,"),
    ("do you (?:think|reckon|suppose|believe) (?:that )?you (?:could|can|might)", ""),
    (r"(?:(?:would|do) you )?mind (?=\w+ing\b)", ""),
    ("(?:could|may|might|can) (?:i|we) (?:ask|trouble|bother|get) you (?:to|for)", ""),
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
    ("(?:kindly |please )?see (?:to it )?that", ""),
    # Where the object lies, which changes nothing.
    (
        "(?:which|that) (?:is|'s|are) (?:lying |sitting |standing |resting |placed )?"
        "(?:there|over there|on the table|on the desk|on the tabletop)",
        "",
    ),
    ("where (?:i|we|he|she) (?:am|are|is) (?:sitting|standing|now|waiting|working)", ""),
    (
        r"(?:i|we) are (?:waiting|hoping|looking) (?:for )?(?=(?:\w+ ){1,4}to (?:be|go|come)\b)",
        "",
    ),
    (r"(?:proceed|continue|go ahead) (?:with|by) (?=\w+ing\b)", ""),
    ("be used (?:for|to) (?=(?:hold|grip|grasp|pick|lift|carry))", "be "),
    (r"let ((?:\w+ ){1,3}?)(?:lie|sit|stand|rest)(?= (?:on|at|in|to)\b)", r"\1 be"),
    ("for once", ""),
    # Names for holding.
    (
        r"with (its |the |)((?:\w+ ){1,3})in (?:your |the |)(?:grip|grasp|hands?|grippers?|"
        r"fingers|claws?)",
        r"hold \1 \2",
    ),
    (
        r"with (its|the) ((?:\w+ ){1,3})(held|gripped|grasped|clasped|pinched)(?! (?:by|at|in|"
        r"on|near)\b)",
        r"\3 by \1 \2",
    ),
    (
        r"(?:with|using|between|in) (?:your|the|both|two|all|my|a)(?: \w+){0,2} (?:fingers?|"
        r"hands?|claws?|jaws|grippers?)",
        "",
    ),
    (r"(?:with|using|and) an? (?:\w+ ){0,3}(?:grip|grasp|hold)(?! (?:of|on|at|around)\b)", ""),
    (r"an? (?:\w+ ){1,4}(grip|grasp|hold) (?=(?:of|on|at|around)\b)", r"a \1 "),
    ("get a hold of", "hold"),
    (
        r"(?:is|'s) the (?:one|bit|part|end|place|side|spot) (?:for you |you should |you must |"
        r"that you should |where you should |where you |you |i want you |that i want you )?"
        r"(?:to )?(?=(?:grab|hold|grip|grasp|take|pinch|seize|use)\b)",
        "be ",
    ),
    ("(?:with|using|taking|getting) an? (?:grasp|grip|hold) (?:at|on|of|around)", "hold"),
    (
        "as (?:the|a|your) (?:handle|grip point|gripping point|grasping point|grasp point|grip|"
        "place to hold)",
        "",
    ),
    ("the way (?:i|we|he|she) (?:like|likes|want|wants) it", ""),
    (f"for (?:(?:my|our|his|her|their|the) )?(?:lunch|dinner|breakfast|tea|{PEOPLE})", ""),
    (", (?:my )?love(?= ,|$)", ""),
    ("(?:pretty|very|ever) (?=please|gently|carefully|slowly)", ""),
)
