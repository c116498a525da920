"""Requests taken apart: "what you do is", "object: the cup", "relocation of the cup"."""

from __future__ import annotations

from kinevla_ros.language.reading.asides.courtesy.parts import ACTING, START, TO_DO, WHO

CLEFTS = (
    # "what I'd like you to do is", "all you have to do is", "here is what you do".
    (
        rf"{START}(?:so |now |okay |ok )*(?:what|all) (?:{WHO}) (?:[\w']+ ){{0,3}}?(?:want|"
        rf"need|like|love|ask|"
        r"wish|expect|prefer|do|asking|asking for|have in mind|after)(?: (?:from |"
        r"of )?you)?"
        rf"{TO_DO}(?: (?:now|next|today|here|first))?,? (?:is|'s|would be|,)"
        "(?: (?:for you to|that you|to have|for|to|you|that|this))?",
        "",
    ),
    (
        rf"(?:here|this|that) (?:is|'s) (?:exactly )?what (?:{WHO}) (?:[\w']+ ){{0,3}}?(?:want|"
        rf"need|"
        rf"like|do|ask)(?: (?:from |of )?you)?{TO_DO}",
        "",
    ),
    (
        "(?:the |my |our |your )(?:thing|idea|plan|task|goal|aim|job|request|"
        "wish|deal|trick|point|"
        "assignment|objective|mission|instruction|order)(?: (?:here|now|"
        "today|for you|i have))* "
        "(?:is|'s|would be)(?: (?:for you to|that you|to have|for|to|you|"
        "that|this|simple))?",
        "",
    ),
    (
        "(?:make sure|making sure|ensure|ensuring|see to it|check|see)(?: that)? ((?:[\\w']+ )*?"
        "(?:, (?:[\\w']+ )*, )?)(?:is|gets|ends up|lands|sits|lies|stands|goes|winds up) "
        "(?=(?:on|at|in|to|placed|put|moved|set|laid|positioned|brought|"
        "held|grasped|gripped)\\b)",
        r"\1be ",
    ),
    # Enumerations and labels: "step 1:", "second,", "object: the cup, destination: the shelf".
    (rf"{START}(?:and )?(?:step )(?:number )?(?:\d|one|two|three|four)(?: is(?: to)?)?", ""),
    (rf"{START}(?:\d|a|b|c|firstly|second|secondly|third|thirdly|lastly)(?= ,)", ""),
    (
        rf"{START}(?:the |your )?(?:object|item|target|subject|destination|"
        rf"goal|place|location|direction|thing|"
        "position|what|where|how|which|task|command|action|instruction|"
        "order|request|job|mission|"
        "placement|drop off|endpoint|end point|part|side|grip point|grasp point|"
        "grasping point|note)"
        "(?: (?:position|location|side|part|point|is))?(?= ,)",
        "",
    ),
    (
        rf"(?:{WHO}) would (?:(?:really|very much|so|just|absolutely) )?(?:love|"
        rf"like|appreciate|enjoy|prefer|be "
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
        r"(?:so |well )*(?:i|we) (?:was|were|am|are) (?:just )?(?:thinking|"
        r"wondering|hoping)(?: (?:that|if|"
        r"whether|maybe|perhaps|about|of))*(?: you (?:could|can|would|might|will))?",
        "",
    ),
    (rf"{START}(?:i would say|i say|let us say|let's say)(?: that| we| you)?", ""),
    # Nouns of action.
    *(
        (
            rf"(?:(?:execute|initiate|commence|perform|start|begin|carry out|"
            rf"conduct|undertake|complete|"
            rf"effect|request|do|make|order|want|need) )?(?:(?:the|a) )?{noun} (?:of|for)",
            verb,
        )
        for noun, verb in (
            ("relocation", "relocate"),
            ("transfer", "transfer"),
            ("placement", "place"),
            ("placing", "place"),
            ("movement", "move"),
            ("transport", "transport"),
            ("transportation", "transport"),
            ("delivery", "deliver"),
            ("positioning", "position"),
            ("repositioning", "reposition"),
            ("moving", "move"),
            ("shifting", "shift"),
        )
    ),
    (
        rf"(?:execute|initiate|commence|perform|carry out|conduct|undertake|"
        rf"start|begin|finish|finish up|end|"
        rf"complete it|finish it|finish off|proceed|continue)(?: by| with|"
        rf" to| the following| this| this task| the task)?"
        rf"(?=(?: please)?(?: ,)* (?:{ACTING})\b)",
        "",
    ),
    (
        rf"(?:{START}|(?<=and )|(?<=then ))(?:finish|finish up|end|end up)(?: by|"
        rf" with)(?= (?:it|the)\b)",
        "place",
    ),
    (
        "(?:perform|do|make|get|take|execute|use) a (?:\\w+ )?(grasp|grip|"
        "hold) (?:on|of|at|around)",
        "hold",
    ),
    (
        r"it (?:is|'s) (?:high |about )?time (?:that )?((?:\w+ ){1,4}?)(?:went|"
        r"came|moved|got|was|were)",
        r"\1be go",
    ),
    (rf"{START}(?:\w+ )?time to(?= (?:{ACTING})\b)", ""),
    (
        r"(?:the )?(?:new |final |next |right |proper )?(?:destination|target|"
        r"goal|place|spot|home|location|position) "
        r"(?:of|for) ((?:the|this|my|that) \w+) (?:is|be|'s|should be|must be|will be)"
        r"(?= (?:the|on|at|in|to|towards|straight|directly)\b)",
        r"\1 go to",
    ),
    ("reach (?:out|over|down|across|in)(?: and| to| for|(?= ,))", ""),
    (rf"{START}off (?:you|we) go(?= ,|$)", ""),
    (
        ",? (?:and |but |just )?(?:keeping|keep|hold|holding) (?:it|everything) "
        "(?:nice and )?(?:straight|steady|level|"
        "safe)(?= ,|$| and)",
        "",
    ),
    ("(?:low|high)(?: down| up)?(?= (?:by|at|near|on) the\\b| , (?:by|at|near) the\\b)", ""),
    ("(?:and|then) (?:then )?(?:keep|leave)(?: it)? (?=(?:on|at|in|to)\\b)", "and put it "),
)
