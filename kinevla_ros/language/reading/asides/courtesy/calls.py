"""Contractions, what is called out, and tags."""

from __future__ import annotations

CALLS = (
    # Written together, said apart.
    ("(i|you|we|they)'(?:m|re)", r"\1 are"),
    ("(i|you|we|they|he|she|it|that|there|who)'ll", r"\1 will"),
    ("(i|you|we|they|he|she|it|that|there|who)'d", r"\1 would"),
    ("(i|you|we|they)'ve", r"\1 have"),
    (r"if you(?= (?:\w+ed|put|set|brought|took|held|laid|got)\b)", "if you were to be"),
    ("n", "and"),
    (r"(?:with|from|for|about|of) which(?= (?:i|we|he|she|they)\b)", "which"),
    ("ya", "you"),
    ("(can|could|would|will) (?:somebody|someone|anybody|anyone)", r"\1 you"),
    # What is called out, and tags.
    (
        r"(?:^|(?<=, ))(?:well done(?: so far)?|let's see|let us see|let me see|look|listen|"
        r"guess what|watch|watch out|watch "
        r"this|come on|hurry|hurry up|chop chop|go on|"
        "here we go|go|mind you|you see|trust me|believe me|pay attention|attention|cheer up|"
        "take it easy|take your time|(?:much|many) obliged|you know what|i tell you|beep boop|"
        "(?:just )?a (?:quick |small |little |big )?(?:favou?r|request|question)|"
        "(?:a little |a bit of |some )?help(?: me| us)?(?: out)?(?: here)?|"
        r"(?:will|would|could|can|won't|wouldn't|couldn't|can't) you)(?: \w+ly| closely| now| "
        "well)?(?= ,|$)",
        "",
    ),
    ("(?:hope|i hope|we hope|trust) (?:that )?you (?:are|re) [a-z ]+(?= ,|$)", ""),
    (
        "(?:no (?:rush|hurry|worries|pressure|fuss)|(?:do not|don't) (?:worry|rush|hurry))(?= ,|$)",
        "",
    ),
    ("no (?:rush|hurry) ,? ?but", ""),
    ("^what(?= an? )", ""),
    (", what(?= an? )", ","),
    ("(?:nice|slow|good|gentle) and (?:easy|steady|slow|gentle|careful|quick|smooth)", ""),
    ("ever so", "very"),
    ("in your own (?:time|pace)", ""),
    ("of (?:mine|yours|ours|his|hers|theirs)", ""),
    ("(mother|father|sister|brother|son|daughter) in law", r"\1"),
    ("do the honou?rs(?: and| by| of)?", ""),
    ("wanna", "want to"),
    ("want to (?:have|see)", "want"),
    ("gonna", "will"),
    ("gotta", "must"),
)
