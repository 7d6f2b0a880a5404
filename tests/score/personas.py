"""Invented people. Everything that identifies a person is a canary: a text that nothing else in the corpus holds."""

import datetime
import random
from dataclasses import dataclass

# A documentation arc. Every UID of the corpus that is an instance's, a series', a person's lies below it.
ROOT = "1.2.826.0.1.3680043.10.999"

# One for each person in turn, by Specific Character Set, and Python's name for each.
CHARSETS = ("", "ISO_IR 192", "\\ISO 2022 IR 87", "ISO_IR 100", "ISO_IR 13", "GB18030", "", "ISO_IR 192")
CODECS = {
    "": "ascii",
    "ISO_IR 100": "latin-1",
    "ISO_IR 192": "utf-8",
    "ISO_IR 13": "shift_jis",
    "\\ISO 2022 IR 87": "iso2022_jp",
    "GB18030": "gb18030",
}
# Letters beside the romanised name: what a character set other than ASCII adds to a family name and a given name.
SCRIPTS = {
    "": ("", ""),
    "ISO_IR 100": ("äöçþ", "ñéð"),
    "ISO_IR 192": ("Щφж", "ğőł"),
    "\\ISO 2022 IR 87": ("勅使河原", "比呂志丸"),
    "ISO_IR 13": ("ﾃｼｶﾞﾜﾗ", "ﾋﾛｼﾏﾙ"),
    "GB18030": ("歐陽鑫淼", "司徒焱垚"),
}
IDEOGRAPHIC = {"\\ISO 2022 IR 87", "ISO_IR 13", "GB18030"}
# Days after the study, each on a weekday of its own: shifting by whole weeks cannot turn one of them into another.
DAYS = {"study": 0, "acquired": 1, "reported": 2, "follow-up": 7 * 26 + 3, "follow-up acquired": 7 * 26 + 4}


@dataclass(frozen=True)
class Persona:
    """One person, the people around them, and the places."""

    number: int
    charset: str
    family: str
    given: str
    name: str
    mrn: str
    other_id: str
    accession: str
    phone: str
    address: str
    institution: str
    department: str
    referring: str
    performing: str
    operator: str
    station: str
    serial: str
    sex: str
    age: str
    weight: str
    dates: dict

    def canaries(self):
        """Every text that must not be found in anything made from this person's files."""
        texts = [self.family, self.given, self.name, self.mrn, self.other_id, self.accession, self.phone, self.address]
        texts += [self.institution, self.department, self.referring, self.performing, self.operator]
        return [*texts, self.station, self.serial]

    @property
    def codec(self):
        return CODECS[self.charset]

    def uid(self, *parts):
        """A UID of this person's, in components of fixed width: none is the beginning of another."""
        return ".".join([ROOT, str(1000 + self.number), *(str(100000 + part) for part in parts)])

    def date(self, which):
        return self.dates[which].strftime("%Y%m%d")


def rare_word(r, syllables=4):
    """A pronounceable word of letters that are rare in medical English and in each other's company."""
    return "".join(r.choice("qxzvkjw") + r.choice("uoyi") for _ in range(syllables)) + r.choice("xqzv")


def rare_token(r):
    """A word that is no word, for places where something must be told apart from everything else."""
    return "".join(r.choice("bcdfgjkqvwxz") for _ in range(10))


def _days(r, number):
    study = datetime.date(2012, 1, 2) + datetime.timedelta(days=37 * number + r.randrange(400, 900))
    dates = {name: study + datetime.timedelta(days=days) for name, days in DAYS.items()}
    # 5 days on in the week: no other date of this person's falls on that weekday.
    dates["birth"] = study - datetime.timedelta(days=7 * (1500 + r.randrange(1200)) - 5)
    return dates


def _person_name(charset, family, given):
    extra_family, extra_given = SCRIPTS[charset]
    if charset in IDEOGRAPHIC:
        return f"{family}^{given}={extra_family}^{extra_given}"
    return f"{family}{extra_family}^{given}{extra_given}"


def persona(seed, number):
    r = random.Random(f"{seed}/persona/{number}")
    charset = CHARSETS[number % len(CHARSETS)]

    def title():
        return rare_word(r).capitalize()

    family, given = title(), title()
    return Persona(
        number=number,
        charset=charset,
        family=family,
        given=given,
        name=_person_name(charset, family, given),
        mrn=f"QZ{r.randrange(10**7):07d}X",
        other_id=f"VK{r.randrange(10**7):07d}W",
        accession=f"ACX{r.randrange(10**7):07d}J",
        phone=f"+990{r.randrange(10**9):09d}",
        address=f"{r.randrange(10, 99)} {title()} Lane, {title()}",
        institution=f"{title()} Hall",
        department=f"{title()} Wing",
        referring=f"{title()}^{title()}",
        performing=f"{title()}^{title()}",
        operator=f"{title()}^{title()}",
        station=f"ST{rare_word(r).upper()}",
        serial=f"SNX{r.randrange(10**7):07d}Q",
        sex=r.choice("MF"),
        age=f"{r.randrange(30, 80):03d}Y",
        weight=f"{r.randrange(5000, 9500) / 100:.2f}",
        dates=_days(r, number),
    )


def personas(seed, count):
    return [persona(seed, number) for number in range(count)]
