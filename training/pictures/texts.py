"""What overlays say: invented names, numbers, dates, measurements and labels. Nobody in them exists."""

FAMILY = ("Smith Okafor Lindqvist Tanaka Moreau Haddad Novak Bergmann Castillo Petrov Johansson Brennan Zielinski Aalto Ferreira "
          "Kowal Dubois Ramos Weiss Yilmaz Hughes Ngata Iyer Quist Xiong Vargas Ude Jansen Eklund Fox Orr Li Wu Gjika Müller "
          "Ångström Göransson Søndergård Núñez Łukasik Čapek Šimůnek").split()
GIVEN = ("Anna John Maria Wei Omar Ingrid Pavel Lucia Kenji Fatima Hugo Elsa Ivan Noor Peter Zoë Björn José Al Bo Jo Ray Grace "
         "Victor Quinn").split()
PLACES = ["General Hospital", "Med Ctr", "University Clinic", "Radiology", "St. Mary", "Imaging Center", "Hospital", "Klinikum",
          "Hôpital", "Dept. of Surgery", "Cardiology", "County"]
LABELS = ("Abdomen Thyroid Gen Cardiac Liver Kidney MI TIS TIb FR Hz cm dB Gain Depth Freq PRF WF Map Persist Low Med High SCOUT "
          "AXIAL T1 T2 FLAIR TR TE kV mAs FOV Thk SL W L Zoom Series Acq Im Se Ex Contrast Head First Supine PORTABLE ERECT AP PA "
          "LAT Rt Lt Breast CC MLO Res SAG COR mm ms Dist Area Vol EF LVIDd MR CT US Comments Page Patient Study Date Time Sex Age "
          "Birth DOB ID MRN Acc Ref Phys Tech Operator Exam").split()
CYRILLIC = "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЭЮЯ"
CJK = ("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕男女年月日医院科检查号姓名病房胸部头颅腹扫描"
       "山田中佐藤鈴木高橋渡辺伊小加吉松井上さくらたなかカタナスズ")


def latin(random):
    """A line in Latin letters."""
    choice, below = random.choice, random.randrange

    def digits(count):
        return "".join(choice("0123456789") for _ in range(count))

    form = choice(["{d:02}/{m:02}/{y}", "{y}-{m:02}-{d:02}", "{d:02}.{m:02}.{y}", "{y}{m:02}{d:02}", "{m}/{d}/{s:02}", "{d:02}-{w}-{y}"])
    date = form.format(d=below(1, 29), m=below(1, 13), y=below(1920, 2027), s=below(100), w=choice(["JAN", "Feb", "MAR", "Oct", "DEC"]))
    time = f"{below(24):02}:{below(60):02}" + (f":{below(60):02}" if random.random() < 0.6 else "") + choice(["", "", " AM", " PM"])
    family, given = choice(FAMILY), choice(GIVEN)
    forms = [
        lambda: f"{family}, {given}",
        lambda: f"{family}^{given}",
        lambda: f"{given} {family}",
        lambda: family,
        lambda: choice(["ID: ", "ID ", "MRN ", "Pat.ID:", "#", "ACC ", "No. "]) + digits(below(3, 11)),
        lambda: choice(["", "DOB ", "*", "Born: "]) + date,
        lambda: f"{date} {time}",
        lambda: time,
        lambda: f"{family} {choice(PLACES)}",
        lambda: " ".join(choice(LABELS) for _ in range(below(1, 5))),
        lambda: f"{choice(LABELS)}: {below(1, 999) / choice([1, 10, 100])} {choice(['cm', 'mm', 'mm/s', 'dB', 'Hz', 'kV', ''])}",
        lambda: f"{choice(LABELS)} {digits(below(1, 5))}",
        lambda: digits(below(3, 9)),
        lambda: f"{below(100):03}Y {choice('MFO')}",
        lambda: f"{choice(LABELS)}/{choice(LABELS)} {digits(2)}-{digits(3)}",
        lambda: short(random),
        lambda: short(random),
        lambda: choice([digits(1) + "." + digits(1) + "/" + digits(1) + "." + digits(1), "/".join(digits(1) for _ in range(3))]),
        lambda: (" " * below(1, 4)).join(choice([choice("CRGASX") + digits(2), digits(4), choice(LABELS)]) for _ in range(below(2, 6))),
    ]
    text, case = choice(forms)(), random.random()
    return text.upper() if case < 0.35 else text.lower() if case < 0.4 else text


def short(random):
    """Two to four characters, which detectors miss most."""
    choice = random.choice
    digit = lambda: choice("0123456789")  # noqa: E731
    return choice([
        digit() + digit(), digit() + digit() + "%", "M" + digit(), choice(["2D", "3D", "Li", "Wu", "Al", "Bo", "CT", "MR", "US", "PA", "AP"]),
        choice("CRGAPS") + digit() + digit(), choice(LABELS)[:3], digit() + "." + digit(), digit() + digit() + "cm", choice("CRTW") + " " + digit() + digit(),
        choice(GIVEN)[:4], digit() + digit() + digit(), choice("MF") + digit() + digit(),
    ])


def line(random, lettering):
    """A line that the lettering can write."""
    if lettering.kind == "cyrillic":
        def word():
            return random.choice(CYRILLIC) + "".join(random.choice(CYRILLIC.lower()) for _ in range(random.randrange(2, 9)))
        return random.choice([f"{word()} {word()}", f"{word()} {random.choice(CYRILLIC)}.{random.choice(CYRILLIC)}.",
                              f"{word().upper()} {random.randrange(1900, 2030)}", word()])
    if lettering.kind == "cjk":
        text = "".join(random.choice(CJK) for _ in range(random.randrange(2, 9)))
        return text + random.choice(["", "", f" {random.randrange(10**5)}", ":" + latin(random)])
    if lettering.kind == "other":
        _, first, last = lettering.face
        return " ".join("".join(chr(random.randrange(first, last + 1)) for _ in range(random.randrange(3, 8)))
                        for _ in range(random.randrange(1, 4)))
    text = latin(random)
    return text.encode("ascii", "ignore").decode() if lettering.kind == "strokes" else text
