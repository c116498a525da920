"""How people write, and what stands beside a sentence: "im", "lhs", "in the end"."""

from __future__ import annotations

from kinevla_ros.language.reading.asides.courtesy.parts import ACTING, FOND, START, VERY, WHO

WRITTEN = (
    # Contractions without their apostrophe.
    ("(i)m", r"\1 am"),
    ("lets", "let's"),
    ("nd", "and"),
    (r"(?:d|da|teh)(?= \w)", "the"),
    (r"wan(?= (?:the|to|you|my|that|this|it)\b)", "want"),
    ("yours truly|of yours", ""),
    ("rite", "right"),
    (rf"{START}(?:\w+ )?time for(?= (?:the|that|this|my)\b)", ""),
    (r"(?:now )?it (?:is|'s) ((?:the|my|our|that) \w+) 's turn", r"\1"),
    ("(?:now )?(?:it is |it 's )?your turn(?= ,|$)", ""),
    (
        r"(?:make it so|arrange it|arrange|see to it|fix it|organi[sz]e it|organi[sz]e|get it so)"
        r"(?: that| for)?"
        r" ((?:the|this|my|that) \w+) (?:is|to be|be|ends up|to end up|gets|lands|to go|goes)(?= )",
        r"\1 be",
    ),
    (rf"(?:try|consider|attempt)(?= (?:{ACTING})\b)", ""),
    ("y'all|ya'll|yall", "you"),
    ("do the needful(?: and)?", ""),
    (r"real(?:ly)? (?=(?:quick|fast|slow|careful|gentle|nice)\b)", ""),
    (
        rf"{START}(?:requesting|wanting|needing|asking for|looking for|request|"
        rf"needed|wanted|required)(?= (?:the|that|this|my|one|"
        r"some|a|\w+ (?:at|on|to|in))\b)",
        "",
    ),
    ("over and out|(?<=, )over(?= ,|$)", ""),
    (r"(?:lend|give|need|use|want) (?:me |us )?a hand(?: and| by| with|(?= ,))", ""),
    (
        r"(?:the|my|our) \w+ (?:is|are) (?:nearly |almost |all )?(?:done|"
        r"ready|finished|cooked|served)(?= so| ,)",
        "",
    ),
    (
        rf"(?:{START}|(?<=please )|(?<=and ))(?:approach|go (?:over )?to|"
        rf"walk (?:over )?to|head (?:over )?to|drive to|turn to|proceed to|"
        rf"navigate to|locate|find|"
        r"identify|detect|target|reach) ((?:the|that|this) \w+)(?= ,| and| then)",
        r"\1 ,",
    ),
    (
        "(?:and )?(?:then )?(?:open|close|shut)(?:ing)? (?:the|your|its) (?:gripper|"
        "grippers|hand|claw|claws|fingers|grip)",
        "",
    ),
    (
        r"(?:is|are) (?:then |first |always )?(?=(?:held|gripped|grasped|"
        r"grabbed|clasped)\b)",
        "be ",
    ),
    (
        r"and (?:is|are) (?:then )?(?=(?:placed|put|laid|set|moved|brought|"
        r"carried|released)\b)",
        "and be ",
    ),
    (
        r"that ((?:the|this|my) \w+) (?:is|gets) (?=(?:placed|put|laid|set|"
        r"moved|brought|carried|held|gripped|grasped)\b)",
        r"\1 be ",
    ),
    ("(l|r)(?: ?h ?s|h side)", r"\1hs"),
    ("lhs", "left side"),
    ("rhs", "right side"),
    (
        "all the way(?: over| up| out)?|the (?:whole|entire) (?:time|way)|"
        "all the time|fully|completely out",
        "",
    ),
    (
        r"((?:pick|lift|take|grab|rais|get|grasp)\w* (?:up )?(?:(?:the|that|"
        r"this) \w+|it)(?: up)?) off (?:of )?the "
        r"(?:table|desk|tabletop)",
        r"\1",
    ),
    ("back down(?= (?:on|at|in|to|,))", "down"),
    ("already(?= ,|$)", ""),
    (r"out(?= (?:to (?:the )?)?(?:front|left|right|forward)\b)|(?<=straight )out", ""),
    (
        r"(?:(?:and )?(?:i am |i 'm )?not (?:\w+ )?(?:sure|certain)|(?:i|"
        r"we) (?:do not|don't) (?:really )?know|if) "
        r"(?:(?:if|whether|that) )?you (?:can |could |actually |really )*(?:understand|"
        r"hear|see|get|read|follow|know)"
        r"(?: (?:me|this|that|it|what i mean|how|us))?(?= ,|$)(?: , but)?",
        "",
    ),
    (
        r"(?:is|'s|would be|will be|be) (?:the |a )"
        r"(?:(?:very |only )?(?:right|best|perfect|ideal|"
        r"correct|proper|good|great|new|final|natural|obvious|"
        r"intended|desired|chosen|lovely|nice) )?(?:place|"
        r"spot|position|home|location)(?: to (?:put|place)| for|"
        r" of|(?= ,))",
        ",",
    ),
    (
        r"(?:is|'s|would be|will be) (?:good|best|fine|great|perfect|right|"
        r"ideal|better) for(?= (?:the|that|this|my)\b)",
        ",",
    ),
    (
        "let(?:'s| us) (?:try|see|have|go with|aim for|say)(?: (?:how|what|"
        "if|whether))?(?= (?:the|that|this|my|putting|"
        "placing|moving|bringing|to)\\b)",
        "",
    ),
    (
        r"(?:i|we) (?:would )?(?:quite |rather |really |much |do )*(?:fancy|"
        r"prefer|favou?r)(?= (?:the|that|this|my|to)\b)",
        "",
    ),
    (
        r"(?:i|we) (?:am|was|are|were) (?:really |just )?(?:after|looking for|"
        r"asking for|hoping for)(?: (?:having|getting))?"
        r"(?= (?:the|that|this|my)\b)",
        "",
    ),
    (r"(?:adjust|change|alter|modify|shift) the (?:position|location|place) of", "move"),
    (r"once (?=(?:\w+ed|held|taken)\b)", ""),
    (rf"{START}(?:i )?(?:guess|reckon|suppose|figure)(?= (?:i|we|the|you|that)\b)", ""),
    (r"(?:i|we) wonder(?:ed)? (?:if|whether)(?= (?:the|that|this|my)\b)", ""),
    (
        r"(?:any|a|some|is there any|is there a) (?:chance|way|possibility|"
        r"hope) (?:of|for|that)(?= (?:the|that|this|my)\b)",
        "",
    ),
    (r"how does (?=(?:mov|plac|putt|bring)\w*ing )", ""),
    (r"(?<=\w )sound(?:s)?(?: (?:good|fine|great|ok|okay|to you))*(?= ,|$)", ""),
    (r"would it (?:kill|hurt|bother|be a problem for) you to", ""),
    (r"do (?:me|us) (?:a|one|this) \w+ and", ""),
    (
        r"(?:do not|don't|without|not) (?:squeez|crush|grip|press|squash|"
        r"push)(?:e|ing)?(?: it)? too (?:hard|much|tight|tightly)"
        r"(?= ,|$| and| but)",
        "",
    ),
    (
        r"(?:i|we|they) (?:can't|cannot|can not|couldn't) (?:quite |really )?(?:reach|"
        r"get at|get to|get|see|grab) "
        r"(?:(?:the|that|this|my) \w+|it)(?: (?:from (?:here|there)|myself|"
        r"ourselves|at the moment|right now|now))*(?= ,|$| so| and)",
        "",
    ),
    (
        rf"{START}(?:can't|cannot|couldn't) (?:quite )?(?:reach|get|manage|"
        rf"see|do)(?: (?:it|that|this))?(?: (?:myself|from here))*"
        "(?= ,|$| so)",
        "",
    ),
    (
        "(?:regarding|concerning|(?<!how )(?<!what )about|as for|as to|as regards|with regard to|"
        "with respect to|when it comes "
        r"to|in the case of|in terms of|speaking of|on the subject of)(?= (?:the|"
        r"that|this|my|our)\b)",
        "",
    ),
    # What stands beside the whole sentence.
    (
        "(?:in|at) the end(?: of the (?:day|line|story))?(?= ,|$| i | we )|"
        "at the end of the day|on the way(?= ,|$)|"
        "after all|in fact|of course|at long last|at last|in any case|to be (?:honest|"
        "fair|frank|clear|"
        "exact|precise|sure|safe|brief|short)|for sure|no doubt|for (?:goodness|"
        "heaven|god|pete|christ)(?: 's)?(?: sake)?|"
        "as (?:always|usual|ever|before|discussed|agreed|promised|planned|"
        "requested|stated|mentioned|"
        "described|shown|follows)(?= ,|$)|if (?:anything|need be|necessary|"
        "so)(?= ,|$)|in (?:short|brief|"
        "summary|essence|particular|general|other words|one go|one piece|"
        "a nutshell)(?= ,|$)|on second thought(?= ,)|"
        "by any chance|for a change|for the record|"
        "(?:all )?in good time|at your (?:leisure|convenience|earliest convenience)|"
        "in peace|with pleasure|like so",
        "",
    ),
    (
        rf"{START}(?:mind you|bless it|(?:so )?(?:get on with it|get to it|"
        rf"get going|get cracking|coming up|"
        "here goes|there we go|that 's right|that is right|bob 's your uncle|"
        "you (?:hear|got it|get it)|got it|got that|"
        "ready|are you ready|you ready|if you would|if you will|would ya|"
        "will ya|ok|good (?:job|work)(?: so far)?|"
        "nice (?:one|work)|new task|same again))(?= ,|$)",
        "",
    ),
    # "is what I want", "would be lovely" behind what is wished for.
    (
        rf"(?:(?:is|'s) )(?:exactly |just |precisely |all |really )?(?:what|"
        rf"how|where) (?:{WHO}) (?:[\w']+ ){{0,2}}?"
        "(?:want|need|like|love|prefer|wish|ask|am after|ask for|am asking for|"
        "have in mind)s?"
        "(?: (?:it|you to do|from you|of you|done|for|now))*(?= ,|$)",
        "",
    ),
    (
        r"(?<!you )(?<!that )(?<!it )(?<!i )(?<!we )(?<!there )would "
        rf"(?:be (?!hardly|barely|scarcely|rarely){VERY}{FOND}|"
        r"help(?: (?:me|us))?(?: a lot| so much| out)?|"
        r"make (?:me|us|my day|everyone)(?: very| so)?(?: happy| glad| proud)?|"
        r"do(?: nicely| fine| well| the trick)?|suit (?:me|us)|please (?:me|us)|"
        r"work(?: well| fine| for me)?)"
        r"(?: (?:for me|thanks|thank you|please|indeed|now|today))*(?= ,|$)",
        "",
    ),
    # What has been taken hold of is held.
    (
        "(?:once|as soon as|when|after|now that) (?:you (?:have|had|are|"
        "got|hold|get|grip|grasp|grab)|having)(?: (?:got|"
        "have|holding|gripping|hold|gripped|grasped|grabbed|taken|secured|"
        "caught|a (?:firm |good )?(?:grip|hold) (?:on|of)|"
        r"hold of))*(?= (?:the|it|its|that)\b)",
        "hold",
    ),
    (
        "(?:should|must|to|shall|will|could|can|may|has to|needs to|ought to) (?:be )?(?:standing|"
        "lying|sitting|"
        r"resting|waiting)(?= (?:on|at|in|to|left|right)\b)",
        "be",
    ),
    (
        "(?:are|is|'s) (?:the place )?where (?:you|to|you should|you must|"
        "you can|i want you to|you need to)"
        r"(?= (?:hold|grip|grasp|grab|take)\b)",
        "be",
    ),
    (
        r"(?:it is )?(?:high |about )?time (?:that )?(?:you|somebody|someone|"
        r"we|one|u)(?= (?:\w+ed|put|brought|took|got|"
        r"set|laid|held)\b)",
        "be",
    ),
    ("(?:first|second|third|1st|2nd|next|last) (?:thing|step|part|bit|move|action)(?= ,)", ""),
    ("left handed", "lefthanded"),
    ("right handed", "righthanded"),
    ("(you|they)re", r"\1 are"),
    ("(i|you|they)ve", r"\1 have"),
    (
        "(that|there|what|it|here|where|who)s(?= (?:the|a|all|is|what|where|"
        "my|you|i|it|to|for)\\b)",
        r"\1 is",
    ),
)
