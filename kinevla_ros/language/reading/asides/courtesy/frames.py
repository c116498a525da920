"""Frames that a request is put in: "what you do is", "the rim is for holding", "make it go"."""

from __future__ import annotations

from kinevla_ros.language.reading.asides.courtesy.parts import ACTING, START, TO_DO, WHO

CLEFTS = (
    # Contractions without their apostrophe.
    ("(i)m", r"\1 am"),
    ("lets", "let's"),
    ("nd", "and"),
    (r"(?:d|da|teh)(?= \w)", "the"),
    (r"wan(?= (?:the|to|you|my|that|this|it)\b)", "want"),
    ("yours truly|of yours", ""),
    ("y'all|ya'll|yall", "you"),
    ("do the needful(?: and)?", ""),
    (r"real(?:ly)? (?=(?:quick|fast|slow|careful|gentle|nice)\b)", ""),
    (rf"{START}(?:requesting|wanting|needing|asking for|looking for|request|needed|wanted|required)(?= (?:the|that|this|my|one|"
     r"some|a|\w+ (?:at|on|to|in))\b)", ""),
    ("over and out|(?<=, )over(?= ,|$)", ""),
    (r"(?:lend|give|need|use|want) (?:me |us )?a hand(?: and| by| with|(?= ,))", ""),
    (r"(?:the|my|our) \w+ (?:is|are) (?:nearly |almost |all )?(?:done|ready|finished|cooked|served)(?= so| ,)", ""),
    (
        rf"(?:{START}|(?<=please )|(?<=and ))(?:approach|go (?:over )?to|walk (?:over )?to|head (?:over )?to|drive to|turn to|proceed to|navigate to|locate|find|"
        r"identify|detect|target|reach) ((?:the|that|this) \w+)(?= ,| and| then)",
        r"\1 ,",
    ),
    ("(?:and )?(?:then )?(?:open|close|shut)(?:ing)? (?:the|your|its) (?:gripper|grippers|hand|claw|claws|fingers|grip)", ""),
    (r"(?:is|are) (?:then |first |always )?(?=(?:held|gripped|grasped|grabbed|clasped)\b)", "be "),
    (r"and (?:is|are) (?:then )?(?=(?:placed|put|laid|set|moved|brought|carried|released)\b)", "and be "),
    (r"that ((?:the|this|my) \w+) (?:is|gets) (?=(?:placed|put|laid|set|moved|brought|carried|held|gripped|grasped)\b)",
     r"\1 be "),

    ("(l|r)(?: ?h ?s|h side)", r"\1hs"),
    ("lhs", "left side"),
    ("rhs", "right side"),
    ("all the way(?: over| up| out)?|the (?:whole|entire) (?:time|way)|all the time|fully|completely out", ""),
    (
        r"((?:pick|lift|take|grab|rais|get|grasp)\w* (?:up )?(?:(?:the|that|this) \w+|it)(?: up)?) off (?:of )?the "
        r"(?:table|desk|tabletop)",
        r"\1",
    ),
    ("back down(?= (?:on|at|in|to|,))", "down"),
    ("already(?= ,|$)", ""),
    (r"out(?= (?:to (?:the )?)?(?:front|left|right|forward)\b)|(?<=straight )out", ""),
    (
        r"(?:(?:and )?(?:i am |i 'm )?not (?:\w+ )?(?:sure|certain)|(?:i|we) (?:do not|don't) (?:really )?know|if) "
        r"(?:(?:if|whether|that) )?you (?:can |could |actually |really )*(?:understand|hear|see|get|read|follow|know)"
        r"(?: (?:me|this|that|it|what i mean|how|us))?(?= ,|$)(?: , but)?",
        "",
    ),
    (
        r"(?:is|'s|would be|will be|be) (?:the |a )(?:\w+ ){0,2}(?:place|spot|position|home|location)(?: to (?:put|place)| for|"
        r" of|(?= ,))",
        ",",
    ),
    (r"(?:is|'s|would be|will be) (?:good|best|fine|great|perfect|right|ideal|better) for(?= (?:the|that|this|my)\b)", ","),
    ("let(?:'s| us) (?:try|see|have|go with|aim for|say)(?: (?:how|what|if|whether))?(?= (?:the|that|this|my|putting|"
     "placing|moving|bringing|to)\\b)", ""),
    (r"(?:i|we) (?:would )?(?:quite |rather |really |much |do )*(?:fancy|prefer|favou?r)(?= (?:the|that|this|my|to)\b)", ""),
    (r"(?:i|we) (?:am|was|are|were) (?:really |just )?(?:after|looking for|asking for|hoping for)(?: (?:having|getting))?"
     r"(?= (?:the|that|this|my)\b)", ""),
    (r"(?:adjust|change|alter|modify|shift) the (?:position|location|place) of", "move"),
    (r"once (?=(?:\w+ed|held|taken)\b)", ""),
    (rf"{START}(?:i )?(?:guess|reckon|suppose|figure)(?= (?:i|we|the|you|that)\b)", ""),
    (r"(?:i|we) wonder(?:ed)? (?:if|whether)(?= (?:the|that|this|my)\b)", ""),
    (r"(?:any|a|some|is there any|is there a) (?:chance|way|possibility|hope) (?:of|for|that)(?= (?:the|that|this|my)\b)", ""),
    (r"how does (?=(?:mov|plac|putt|bring)\w*ing )", ""),
    (r"(?<=\w )sound(?:s)?(?: (?:good|fine|great|ok|okay|to you))*(?= ,|$)", ""),
    (r"would it (?:kill|hurt|bother|be a problem for) you to", ""),
    (r"do (?:me|us) (?:a|one|this) \w+ and", ""),
    (r"(?:do not|don't|without|not) (?:squeez|crush|grip|press|squash|push)(?:e|ing)?(?: it)? too (?:hard|much|tight|tightly)"
     r"(?= ,|$| and| but)", ""),
    (r"(?:i|we|they) (?:can't|cannot|can not|couldn't) (?:quite |really )?(?:reach|get at|get to|get|see|grab) "
     r"(?:(?:the|that|this|my) \w+|it)(?: (?:from (?:here|there)|myself|ourselves|at the moment|right now|now))*(?= ,|$| so| and)", ""),
    (rf"{START}(?:can't|cannot|couldn't) (?:quite )?(?:reach|get|manage|see|do)(?: (?:it|that|this))?(?: (?:myself|from here))*"
     "(?= ,|$| so)", ""),

    (
        "(?:regarding|concerning|about|as for|as to|as regards|with regard to|with respect to|when it comes "
        r"to|in the case of|in terms of|speaking of|on the subject of)(?= (?:the|that|this|my|our)\b)",
        "",
    ),
    # What stands beside the whole sentence.
    (
        "(?:in|at) the end(?: of the (?:day|line|story))?(?= ,|$| i | we )|at the end of the day|on the way(?= ,|$)|"
        "after all|in fact|of course|at long last|at last|in any case|to be (?:honest|fair|frank|clear|"
        "exact|precise|sure|safe|brief|short)|for sure|no doubt|for (?:goodness|heaven|god|pete|christ)(?: 's)?(?: sake)?|"
        "as (?:always|usual|ever|before|discussed|agreed|promised|planned|requested|stated|mentioned|"
        "described|shown|follows)(?= ,|$)|if (?:anything|need be|necessary|so)(?= ,|$)|in (?:short|brief|"
        "summary|essence|particular|general|other words|one go|one piece|a nutshell)(?= ,|$)|on second thought(?= ,)|"
        "by any chance|for a change|for the record|"
        "(?:all )?in good time|at your (?:leisure|convenience|earliest convenience)|in peace|with pleasure|like so",
        "",
    ),
    (rf"{START}(?:mind you|bless it|(?:so )?(?:get on with it|get to it|get going|get cracking|coming up|"
     "here goes|there we go|that 's right|that is right|bob 's your uncle|you (?:hear|got it|get it)|got it|got that|"
     "ready|are you ready|you ready|if you would|if you will|would ya|will ya|ok|good (?:job|work)(?: so far)?|"
     "nice (?:one|work)|new task|same again))(?= ,|$)", ""),
    # "is what I want", "would be lovely" behind what is wished for.
    (
        rf"(?:(?:is|'s) )(?:exactly |just |precisely |all |really )?(?:what|how|where) (?:{WHO}) (?:[\w']+ ){{0,2}}?"
        "(?:want|need|like|love|prefer|wish|ask|am after|ask for|am asking for|have in mind)s?"
        "(?: (?:it|you to do|from you|of you|done|for|now))*(?= ,|$)",
        "",
    ),
    (
        r"(?<!you )(?<!that )(?<!it )(?<!i )(?<!we )(?<!there )would (?:be|help|make|do|suit|please|work|mean)(?: (?:\w+)){0,5}?(?= ,|$)",
        "",
    ),
    # What has been taken hold of is held.
    (
        "(?:once|as soon as|when|after|now that) (?:you (?:have|had|are|got|hold|get|grip|grasp|grab)|having)(?: (?:got|"
        "have|holding|gripping|hold|gripped|grasped|grabbed|taken|secured|caught|a (?:firm |good )?(?:grip|hold) (?:on|of)|"
        r"hold of))*(?= (?:the|it|its|that)\b)",
        "hold",
    ),
    ("(?:should|must|to|shall|will|could|can|may|has to|needs to|ought to) (?:be )?(?:standing|lying|sitting|"
     r"resting|waiting)(?= (?:on|at|in|to|left|right)\b)", "be"),
    ("(?:are|is|'s) (?:the place )?where (?:you|to|you should|you must|you can|i want you to|you need to)"
     r"(?= (?:hold|grip|grasp|grab|take)\b)", "be"),
    (r"(?:it is )?(?:high |about )?time (?:that )?(?:you|somebody|someone|we|one|u)(?= (?:\w+ed|put|brought|took|got|"
     r"set|laid|held)\b)", "be"),
    ("(?:first|second|third|1st|2nd|next|last) (?:thing|step|part|bit|move|action)(?= ,)", ""),
    ("left handed", "lefthanded"),
    ("right handed", "righthanded"),

    ("(you|they)re", r"\1 are"),
    ("(i|you|they)ve", r"\1 have"),
    ("(that|there|what|it|here|where|who)s(?= (?:the|a|all|is|what|where|my|you|i|it|to|for)\\b)",
     r"\1 is"),
    # "what I'd like you to do is", "all you have to do is", "here is what you do".
    (
        rf"{START}(?:so |now |okay |ok )*(?:what|all) (?:{WHO}) (?:[\w']+ ){{0,3}}?(?:want|need|like|love|ask|"
        r"wish|expect|prefer|do|asking|asking for|have in mind|after)(?: (?:from |of )?you)?"
        rf"{TO_DO}(?: (?:now|next|today|here|first))?,? (?:is|'s|would be|,)"
        "(?: (?:for you to|that you|to have|for|to|you|that|this))?",
        "",
    ),
    (
        rf"(?:here|this|that) (?:is|'s) (?:exactly )?what (?:{WHO}) (?:[\w']+ ){{0,3}}?(?:want|need|"
        rf"like|do|ask)(?: (?:from |of )?you)?{TO_DO}",
        "",
    ),
    (
        "(?:the |my |our |your )(?:thing|idea|plan|task|goal|aim|job|request|wish|deal|trick|point|"
        "assignment|objective|mission|instruction|order)(?: (?:here|now|today|for you|i have))* "
        "(?:is|'s|would be)(?: (?:for you to|that you|to have|for|to|you|that|this|simple))?",
        "",
    ),
    (
        "(?:make sure|making sure|ensure|ensuring|see to it|check|see)(?: that)? ((?:[\\w']+ )*?"
        "(?:, (?:[\\w']+ )*, )?)(?:is|gets|ends up|lands|sits|lies|stands|goes|winds up) "
        "(?=(?:on|at|in|to|placed|put|moved|set|laid|positioned|brought|held|grasped|gripped)\\b)",
        r"\1be ",
    ),
    # Enumerations and labels: "step 1:", "second,", "object: the cup, destination: the shelf".
    (rf"{START}(?:and )?(?:step )(?:number )?(?:\d|one|two|three|four)(?: is(?: to)?)?", ""),
    (rf"{START}(?:\d|a|b|c|firstly|second|secondly|third|thirdly|lastly)(?= ,)", ""),
    (
        rf"{START}(?:the |your )?(?:object|item|target|subject|destination|goal|place|location|direction|thing|"
        "position|what|where|how|which|task|command|action|instruction|order|request|job|mission|"
        "placement|drop off|endpoint|end point|part|side|grip point|grasp point|grasping point|note)"
        "(?: (?:position|location|side|part|point|is))?(?= ,)",
        "",
    ),
    (
        rf"(?:{WHO}) would (?:(?:really|very much|so|just|absolutely) )?(?:love|like|appreciate|enjoy|prefer|be "
        "glad|be happy|be grateful|be pleased)(?: it)? (?:to see|if|for|to have) you"
        "(?! were)(?: to| could| would)?",
        "",
    ),
    (
        r"(?:i|we) have (?:got )?((?:\w+ ){1,5}?)(?:here |there |over here )?(?:that|which)"
        r"(?= (?:needs|has|should|must|wants|ought|is to|could|goes|belongs)\b)",
        r"\1",
    ),
    ("after which (?:you |please |it )?", "then "),
    (
        r"(?:so |well )*(?:i|we) (?:was|were|am|are) (?:just )?(?:thinking|wondering|hoping)(?: (?:that|if|"
        r"whether|maybe|perhaps|about|of))*(?: you (?:could|can|would|might|will))?",
        "",
    ),
    (rf"{START}(?:i would say|i say|let us say|let's say)(?: that| we| you)?", ""),
    # Nouns of action.
    *(
        (rf"(?:(?:execute|initiate|commence|perform|start|begin|carry out|conduct|undertake|complete|"
         rf"effect|request|do|make|order|want|need) )?(?:(?:the|a) )?{noun} (?:of|for)", verb)
        for noun, verb in (
            ("relocation", "relocate"), ("transfer", "transfer"), ("placement", "place"), ("placing", "place"),
            ("movement", "move"), ("transport", "transport"), ("transportation", "transport"),
            ("delivery", "deliver"), ("positioning", "position"), ("repositioning", "reposition"),
            ("moving", "move"), ("shifting", "shift"),
        )
    ),
    (
        rf"(?:execute|initiate|commence|perform|carry out|conduct|undertake|start|begin|finish|finish up|end|"
        rf"complete it|finish it|finish off|proceed|continue)(?: by| with| to| the following| this| this task| the task)?"
        rf"(?=(?: please)?(?: ,)* (?:{ACTING})\b)",
        "",
    ),
    (rf"(?:{START}|(?<=and )|(?<=then ))(?:finish|finish up|end|end up)(?: by| with)(?= (?:it|the)\b)", "place"),
    ("(?:perform|do|make|get|take|execute|use) a (?:\\w+ )?(grasp|grip|hold) (?:on|of|at|around)", "hold"),
    (
        r"it (?:is|'s) (?:high |about )?time (?:that )?((?:\w+ ){1,4}?)(?:went|came|moved|got|was|were)",
        r"\1be go",
    ),
    (rf"{START}(?:\w+ )?time to(?= (?:{ACTING})\b)", ""),
    (
        r"(?:the )?(?:new |final |next |right |proper )?(?:destination|target|goal|place|spot|home|location|position) "
        r"(?:of|for) ((?:the|this|my|that) \w+) (?:is|be|'s|should be|must be|will be)(?= )",
        r"\1 go to",
    ),
    ("reach (?:out|over|down|across|in)(?: and| to| for|(?= ,))", ""),
    (rf"{START}off (?:you|we) go(?= ,|$)", ""),
    (",? (?:and |but |just )?(?:keeping|keep|hold|holding) (?:it|everything) (?:nice and )?(?:straight|steady|level|"
     "safe)(?= ,|$| and)", ""),
    ("(?:low|high)(?: down| up)?(?= (?:by|at|near|on) the\\b| , (?:by|at|near) the\\b)", ""),
    ("(?:and|then) (?:then )?(?:keep|leave)(?: it)? (?=(?:on|at|in|to)\\b)", "and put it "),
)  # fmt: skip
"""Read before wishes."""

FRAMES = (
    (r"give ((?:\w+ ){1,4}?)a (?:(?:gentle|little|light|small|quick|nice|tiny|wee|bit of a) ){0,2}"
     r"(?:push|nudge|shove)(?= (?:to|towards?|forwards?|straight|in|into|over|left|right|ahead)\b)", r"push \1"),
    # "make the cup go to", "have the cup moved": the cup is to go there.
    (
        r"(?:make|have|get|let) ((?:[\w']+ ){1,4}?)(?:to )?(?:go|move|travel|come|end up|land|"
        r"sit|lie|rest|be)(?= (?:\w+ly )?(?:on|at|in|to|towards?|straight|directly|forwards?|ahead|"
        "left|right)\\b)",
        r"\1 go",
    ),
    # "the left of the shelf is for the cup".
    (
        r"(?:is|'s) (?:\w+ly )?(?:meant |reserved |waiting |ready |intended |free |kept |there |"
        "good |perfect )?(?:for|where)(?= (?:the|my|our|this|that|your) )",
        ",",
    ),
    ("(?:and )?(?:mind|remember|note)(?: that)? you(?= (?:take|hold|grab|grip|grasp|pick|put|place)\\b)",
     "and"),
    ("(?:take|get|grab|catch|keep|have|taking|getting|grabbing|keeping)(?: (?:a|good|firm|tight))* "
     "hold of", "hold"),
    (r"(?<!the )(?<!and )(?<!to )(?:dead |right |straight )in front", "to the front"),
    ("(ahead|forward|forwards) of (?:you|yourself)", r"\1"),
    (
        "from (?:where it (?:is|lies|sits|stands|'s|rests)|its (?:current|present|old|"
        "original)? ?(?:place|position|spot|location)|here|there)(?: (?:now|right now|currently|at "
        "the moment|at present))?",
        "",
    ),
    # "Right, …" and "right then": well.
    ("^(?:(?:ok|okay|so|well|all) ?,? )?right(?: then| so| now)? ,(?= (?:\\w+ )*?(?:the|take|hold|put|grab|pick|"
     "move|please)\\b)", ""),
    ("out of (?:the|my|our|everyone's) way", ""),
    ("(?:down )again(?= (?:on|at|in|to|,))", "down"),
    ("(?:in|to|at) (?:another|a different|some other) (?:place|spot|position|location)", "somewhere"),
    (r"for (?:the|this|our|my) (?:next|first|second|last|final|present|current) (?:\w+)(?= ,)", ""),
    ("(?:kind|sort) of", ""),
    ("(?:just )?(?:for )?this time(?: around)?|this (?:round|turn)|for now", ""),
    ("(?:please )?(?:do|i want|i need) (?:me )?(?:one|a|this|1) (?:thing|work)(?= ,)", ""),
    ("help (?:me|us)(?: to)?(?: out(?: and)?)?"
     rf"(?= (?:{ACTING})\b)", ""),
    (rf"{START}(?:\w+ )?let's see(?= )", ""),
    ("(?:to|needs to|has to|should|must) sit(?= )", "go"),
    # "carry am go": it.
    (rf"((?:{ACTING}|keep|drop|push|carry)) am(?= (?:for|go|to|on|at|by|near|from|,))", r"\1 it"),
    ("(?:in )?(?:a |the )?diagonal(?: line| direction)?(?= ,|$| to | and )", "diagonally"),
)  # fmt: skip
"""Read when no other formula is left."""
