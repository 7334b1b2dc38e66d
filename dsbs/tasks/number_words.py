"""Words that change the number before them. A number with one of them behind it is no plain one."""

import re

MULTIPLIERS = (
    r"hundred|thousand|million|billion|trillion|mill?|mio|mrd|bn|mn|tn|lakh|crore|grand|dozen"
)
FRACTIONS = (
    r"hal(?:f|ves)|third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth|hundredth"
    r"|thousandth"
)
NUMBERS = (
    r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    r"|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
)
TIME_OF_DAY = re.compile(r"[ap]\.?\s?m\b|o'clock\b", re.IGNORECASE)
BOUND = re.compile(
    r"(?:at (?:the )?(?:least|most)|(?:and|or) (?:more|less|so|up|above|below))\b", re.I
)
