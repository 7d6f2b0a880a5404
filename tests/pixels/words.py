"""What identifies an invented patient, as scanners and people write it onto pictures."""

import random

FAMILIES = (
    "SMITH", "OKONKWO", "HALVORSEN", "PETRESCU", "LINDQVIST", "MARCHETTI", "DUBOIS", "TANAKA", "KOWALSKA", "BRENNAN", "VAN DIJK",
    "FERREIRA", "NAKAMURA", "OBERHAUSER", "QUISPE", "ZIEGLER", "ADEYEMI", "IVERSEN", "WU", "LEE", "CASTELLANOS", "YILMAZ",
)  # fmt: skip
GIVEN = (
    "JANE", "TOMAS", "ELIF", "NGOZI", "INGRID", "PAOLO", "MEI", "ANDREI", "SOFIA", "HENRIK", "LUCIA", "OMAR", "KATE", "BO", "YUKI",
    "MAGDALENA", "PIERRE", "CARMEN",
)  # fmt: skip
PLACES = (
    "AUENTAL", "ST. MARGARET", "NORTHGATE", "KIRKEBY", "VALDORO", "MOUNT ELGIN", "RIVERSIDE", "HOHENFELS", "SANTA BRIGIDA", "LAKEVIEW",
)  # fmt: skip
HOUSES = ("HOSPITAL", "CLINIC", "MEDICAL CENTER", "KLINIKUM", "RADIOLOGY", "GEN HOSP", "IMAGING")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
SEX = "FM"


def identity(chance: random.Random, lines: int) -> list[str]:
    """Up to five lines about one person."""
    family, given = chance.choice(FAMILIES), chance.choice(GIVEN)
    number = str(chance.randrange(10**6, 10**9))
    born = _date(chance, 1930, 2012)
    taken = _date(chance, 2008, 2024)
    kinds = [
        _name(chance, family, given),
        chance.choice(("MRN {}", "ID: {}", "PAT-ID {}", "{}", "PID {}")).format(number),
        chance.choice(("DOB {}", "{}", "*{}", "BORN {}", "{} {}")).format(born, chance.choice(SEX)),
        f"{chance.choice(PLACES)} {chance.choice(HOUSES)}",
        chance.choice(("ACC {}", "ACC# {}", "A{}", "ACCESSION {}")).format(chance.randrange(10**5, 10**8)),
        f"{given[0]}.{family[0]}. {taken}" if chance.random() < 0.5 else f"{given[0]}{family[0]} {taken}",
        f"{family}^{given} {born}",
    ]
    first = [kinds.pop(0)] if chance.random() < 0.6 else []
    chosen = first + chance.sample(kinds, lines - len(first))
    # Some devices write mixed case.
    return [line.title() for line in chosen] if chance.random() < 0.25 else chosen


def _name(chance, family, given):
    return chance.choice(("{0}^{1}", "{0}, {1}", "{1} {0}", "{0}^{1}^A", "{0} {1}", "PATIENT: {0} {1}")).format(family, given)


def _date(chance, first, last):
    year, month, day = chance.randint(first, last), chance.randint(1, 12), chance.randint(1, 28)
    forms = ("{m:02}/{d:02}/{y}", "{y}-{m:02}-{d:02}", "{d:02}.{m:02}.{y}", "{d:02}-{n}-{y}", "{m}/{d}/{s:02}", "{y}{m:02}{d:02}")
    return chance.choice(forms).format(y=year, m=month, d=day, s=year % 100, n=MONTHS[month - 1])


def settings(chance: random.Random) -> str:
    """What a device writes about itself: identifies no one, and may be blanked all the same."""
    return chance.choice(
        ("MI 0.9 TIS 0.4", "FR 32HZ 15CM", "KVP 120 MA 180", "TR 4200 TE 96", "W 400 L 40", "GAIN 54 DR 60", "SL 5.0 FOV 36")
    )
