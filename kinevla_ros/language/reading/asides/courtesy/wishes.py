"""Wishes and politeness: "I would be most grateful if you could"."""

from __future__ import annotations

from kinevla_ros.language.reading.asides.courtesy.parts import FOND, HARM, MUCH, VERY, WOULD, YOU

WISHES = (
    # Wishes: "I would be most grateful if you could", "it'd be lovely if the cup came".
    (
        rf"(?:it|i|we){WOULD} be {VERY}{FOND} (?:if|to have|to see) ((?:\w+ ){{1,4}}?)"
        "(?:came|went|were|was|sat|lay|stood)",
        r"\1go",
    ),
    (
        rf"(?:i|we){WOULD} {VERY}(?:appreciate|love|like|prefer) (?:it )?{MUCH}if ((?:\w+ "
        rf"){{1,4}}?)"
        "(?:came|went|were|was|sat|lay|stood)",
        r"\1be",
    ),
    (
        rf"(?:i|we|it|that){WOULD} be {VERY}{FOND}(?: , (?:\w+ )?\w+ ,)? (?:if {YOU}|to have|"
        rf"to see|were you to|if|for)",
        "",
    ),
    (
        rf"it{WOULD} (?:please|delight|help|thrill|make|mean) (?:a lot |the world |so much "
        rf")?(?:to )?"
        r"(?:me|us|my day|her|him|everyone|our day)?(?: so| very)?(?: \w+ly| a lot| very much|"
        r" so much| happy)? "
        rf"(?:if {YOU}|were you to|to have|to see)",
        "",
    ),
    (
        r"(?:(?:i|we) (?:think|believe|feel|was thinking|were thinking|am thinking) )?(?:that )?"
        r"(?:it|this|that|the \w+|my \w+|everything|things) (?:would|might|could) look "
        r"(?:much |even |so )?"
        r"(?:nicer|prettier|better|lovelier|tidier|neater|nice|good|great|pretty|lovely) if "
        r"((?:\w+ ){1,4}?)(?:came|went|were|was|sat|lay|stood)",
        r"\1go",
    ),
    (
        r"(?:(?:i|we) (?:think|believe|feel|was thinking|were thinking|am thinking) )?(?:that )?"
        r"(?:it|this|that|the \w+|my \w+|everything|things) (?:would|might|could) look "
        r"(?:much |even |so )?"
        r"(?:nicer|prettier|better|lovelier|tidier|neater|nice|good|great|pretty|lovely) "
        r"(?:if|with)",
        "",
    ),
    (
        r"(?:(?!\b(?:not|never|no|nobody|hardly)\b|n't|,).){0,80} (?:better|easier|happier|"
        r"nicer|prettier|"
        "quicker|simpler|best)(?: for me| for us)? (?=if you)",
        "it would be nice ",
    ),
    (
        r"(?:i|we)(?: would| am| are|)(?: \w+ly)? (?:request|ask|suggest|propose|recommend|"
        r"beg|implore|urge|"
        r"require|demand|command|order)(?: that you| that| you to| of you to| for|(?= \w+ing\b))",
        "",
    ),
    (r"(?:he|she|they) (?:suggests?|recommends?|advises?|prefers?)(?= \w+ing\b)", ""),
    (
        "(?:i|we) (?:bet|know|believe|trust|reckon|think|guess|suppose|am sure|are sure|am "
        "certain|"
        "are certain|am confident|are confident|hope)(?: that)? you (?:can|could|will|would|"
        "might)",
        "",
    ),
    (r"i (?:suppose|guess|reckon|believe|think|would say)(?: that)?(?= (?:the|that|this)\b)", ""),
    ("you (?:will|may|might|would|should)(?: probably)? (?:want|need|like|have|wish) to", ""),
    ("let (?:me|us) see (?:how well |how |if |whether )?you(?: can| could| will|)", ""),
    ("(?<!need )(?:manage|assist me|help me(?: out)?|help us|help|assist) (?:to|by|in)", ""),
    ("would it be too much to ask (?:you to|for|that you)?", ""),
    (
        "(?:when|whenever|as soon as|once|if|should) you (?:have|get|find|have got) (?:a |an |"
        "some |"
        "the |any )?"
        "(?:free |spare |little |quick )*(?:bit of )?(?:second|moment|minute|sec|chance|time|"
        "opportunity)",
        "",
    ),
    (
        r"(?:after|once|when) you (?:have|are done|are finished|finish)(?= \w+(?:ed|ing|ld)\b)",
        "after",
    ),
    ("i would ([^,]*) if i were you", r"\1"),
    (r"if i (?:were|was) you|if (?:i|we) may(?: \w+){0,2}(?=,| ,|$)|if you (?:ask|asked) me", ""),
    ("if (?:you would|you will) be so (?:kind|good)(?: as to| and|)", ""),
    ("be so (?:kind|good)(?: as to| and)", ""),
    ("in order to", "to"),
    # What would be bad for the object is not to be done, and is not done anyway.
    (
        r"(?:(?:and|but) )?(?:please )?(?:just )?(?:be careful |be sure |take care |try |make "
        r"sure |careful |so as )?"
        rf"(?:you )?(?:not to|don't|do not|without|never)(?: even)? {HARM}"
        r"(?: (?:it|anything|them|me|yourself|about (?:\w+ )?\w+|(?P<of>(?:the|that|my) \w+)))?"
        r"(?: (?:too|so|very))?(?: (?:much|hard|tight|tightly|fast|long|quickly))?(?=(?: ,| "
        r"and| but| please)|$)",
        r"\g<of>",
    ),
    (r"not too (?:\w+)(?= ,|$)", ""),
    (
        "without (?:further |any |much |more )?(?:delay|ado|fuss|hesitation|hesitating|haste|"
        "rush|noise|trouble|a fuss)",
        "",
    ),
    (
        r"(?:(?:i|we) are )?(?:so |very |really |terribly |awfully )?sorry (?:to|for|about) "
        r"(?:\w+ ){1,4}?(?=(?:, |but |$))",
        "",
    ),
    (
        r"(?:i|we) (?:do not|don't|hate to|would not|wouldn't) ?(?:mean|want|like|wish)? ?(?:to )?"
        r"(?:be|sound|seem|bother|trouble|disturb|impose|rush|pester|ask)(?: \w+){0,4}?(?=(?: "
        r",| but))",
        "",
    ),
    ("^(?:please )?why not", ""),
    ("(?:on|at) the double", ""),
    ("dear sir or madam", ""),
    (
        r"the way (?:i|we|he|she|they|people|everyone|(?:my|our|his|her) \w+)(?: "
        r"\w+){1,3}?(?= ,|$)",
        "",
    ),
    ("(?:i|we) (?:shall|will) (?:be needing|need|be wanting|require)", ""),
    ("if it (?:is|'s) all the same to you", ""),
    ("(?:^|(?<=, ))there you (?:are|go)(?= ,|$)", ""),
    (
        r"(?:^|(?<=, ))how (?:are you|are things|is it going|'s it going|do you do|is life|"
        r"have you been|"
        r"(?:\w+ )?(?:kind|nice|lovely|good|sweet|thoughtful) of you)[^,]*",
        "",
    ),
    (
        rf"would it be (?:{FOND}|all right|alright|ok|okay|fine|too much)(?: with you)? (?:if "
        rf"{YOU}|to|for you to)",
        "",
    ),
    (r"would you mind(?: \w+ly| much)? if i asked you to", ""),
    ("so as to", "to"),
    (
        r"(?:treat|handle) ((?:the|this|that|my) \w+)(?: \w+ly| well| with (?:\w+ )?(?:care|"
        r"caution|respect|love))",
        r"\1",
    ),
    ("(?:keep|stay|remain) (?:calm|cool|focused|positive) and", ""),
    (
        "(?:do not|don't) (?:hesitate|be afraid|be shy|be scared|fail|neglect|mind me) ?(?:to|and)",
        "",
    ),
    (
        r"as (?!far|long|much|little|close|near|low|high)\w+ as (?:possible|you can|you could|"
        r"you like|ever)",
        "",
    ),
    (
        r"(?:(?:and|but|so) )?(?:please )?(?:handle|treat) (?:it|this|that)(?: \w+ly| well| "
        r"nicely| right|"
        r" with (?:\w+ )?(?:care|caution|respect|love))",
        "",
    ),
    (r"(?:and )?(?:mind|watch|beware of) (?:your|the|my) \w+(?= ,|$)", ""),
    ("let's make (?:some |more |a bit of )?(?:room|space)(?= ,)", ""),
    (
        r"(?:just |much |exactly )?(?:as|like) (?:you would|i would|one would|people would|"
        r"people) \w+ "
        r"(?:an?|the|your|my) (?:\w+ ){0,3}?\w+(?= ,| and |$)",
        "",
    ),
    (
        r"(?:just |exactly )?(?:like|as)(?: shown| seen)? (?:in|on) (?:the|my|your|this|that) "
        r"(?:\w+ )?(?:picture|photo|photograph|recipe|book|video|plan|drawing|menu)",
        "",
    ),
    (
        "(?:let me (?:tell you|explain)(?: what (?:i|we) (?:want|need|would like)(?: from you)?)?|"
        "here (?:is|'s) (?:what (?:i|we) (?:want|need|would like)(?: you to do)?|the (?:thing|"
        "plan|deal|task|job))|"
        "this is what (?:i|we) (?:want|need|would like)(?: you to do)?|now hear this|hear me|"
        "remember)(?: now)?(?= ,)",
        "",
    ),
    (rf"(?:(?<=^)|(?<=, ))how {FOND}(?= ,|$)", ""),
    ("(should|must|can|could|would|has to) still", r"\1"),
    ("(?:and )?nothing (?:fancy|special|complicated|else|more)(?= ,|$)", ""),
    ("(?:get (?:cracking|moving|started|busy|to work)|stand up|sit up|chin up) and", ""),
    ("lands?(?= (?:on|in|at) )", "go"),
)
