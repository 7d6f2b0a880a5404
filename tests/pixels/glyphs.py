"""Two bitmap fonts as old consoles have them, drawn for this test: a row of a glyph is a number whose bits are its pixels."""

import numpy as np

# 5 columns by 7 rows, strokes of one pixel.
FIVE = {
    "A": "04 0A 11 11 1F 11 11", "B": "1E 09 09 0E 09 09 1E", "C": "0E 11 10 10 10 11 0E", "D": "1E 09 09 09 09 09 1E",
    "E": "1F 10 10 1C 10 10 1F", "F": "1F 10 10 1C 10 10 10", "G": "0E 11 10 13 11 11 0F", "H": "11 11 11 1F 11 11 11",
    "I": "0E 04 04 04 04 04 0E", "J": "07 02 02 02 02 12 0C", "K": "11 12 14 18 14 12 11", "L": "10 10 10 10 10 10 1F",
    "M": "11 1B 15 15 11 11 11", "N": "11 19 19 15 13 13 11", "O": "0E 11 11 11 11 11 0E", "P": "1E 11 11 1E 10 10 10",
    "Q": "0E 11 11 11 15 12 0D", "R": "1E 11 11 1E 14 12 11", "S": "0F 10 10 0E 01 01 1E", "T": "1F 04 04 04 04 04 04",
    "U": "11 11 11 11 11 11 0E", "V": "11 11 11 11 0A 0A 04", "W": "11 11 11 15 15 1B 11", "X": "11 11 0A 04 0A 11 11",
    "Y": "11 11 0A 04 04 04 04", "Z": "1F 01 02 04 08 10 1F", "0": "0E 11 13 15 19 11 0E", "1": "04 0C 04 04 04 04 0E",
    "2": "0E 11 01 06 08 10 1F", "3": "1F 02 04 06 01 11 0E", "4": "02 06 0A 12 1F 02 02", "5": "1F 10 1E 01 01 11 0E",
    "6": "06 08 10 1E 11 11 0E", "7": "1F 01 02 04 04 08 08", "8": "0E 11 11 0E 11 11 0E", "9": "0E 11 11 0F 01 02 0C",
    "^": "04 0A 11 00 00 00 00", "/": "01 01 02 04 08 10 10", ":": "00 0C 0C 00 0C 0C 00", ".": "00 00 00 00 00 0C 0C",
    "-": "00 00 00 1F 00 00 00", ",": "00 00 00 00 0C 04 08", "#": "0A 0A 1F 0A 1F 0A 0A", "*": "00 04 15 0E 15 04 00",
}  # fmt: skip

# 8 columns by 8 rows, upright strokes of two pixels, the last row and column empty.
EIGHT = {
    "A": "38 6C C6 C6 FE C6 C6 00", "B": "FC 66 66 7C 66 66 FC 00", "C": "3C 66 C0 C0 C0 66 3C 00", "D": "F8 6C 66 66 66 6C F8 00",
    "E": "FE 60 60 78 60 60 FE 00", "F": "FE 60 60 78 60 60 60 00", "G": "3C 66 C0 CE C6 66 3E 00", "H": "C6 C6 C6 FE C6 C6 C6 00",
    "I": "3C 18 18 18 18 18 3C 00", "J": "1E 0C 0C 0C CC CC 78 00", "K": "C6 CC D8 F0 D8 CC C6 00", "L": "60 60 60 60 60 60 7E 00",
    "M": "C6 EE FE D6 C6 C6 C6 00", "N": "C6 E6 F6 DE CE C6 C6 00", "O": "7C C6 C6 C6 C6 C6 7C 00", "P": "FC 66 66 7C 60 60 60 00",
    "Q": "7C C6 C6 C6 D6 CC 7A 00", "R": "FC 66 66 7C 6C 66 66 00", "S": "7C C6 C0 7C 06 C6 7C 00", "T": "7E 18 18 18 18 18 18 00",
    "U": "C6 C6 C6 C6 C6 C6 7C 00", "V": "C6 C6 C6 C6 6C 38 10 00", "W": "C6 C6 C6 D6 FE EE C6 00", "X": "C6 C6 6C 38 6C C6 C6 00",
    "Y": "66 66 66 3C 18 18 18 00", "Z": "FE 0C 18 30 60 C0 FE 00", "0": "7C CE DE F6 E6 C6 7C 00", "1": "18 38 18 18 18 18 7E 00",
    "2": "7C C6 06 1C 70 C0 FE 00", "3": "7C C6 06 3C 06 C6 7C 00", "4": "1C 3C 6C CC FE 0C 0C 00", "5": "FE C0 FC 06 06 C6 7C 00",
    "6": "3C 60 C0 FC C6 C6 7C 00", "7": "FE C6 0C 18 30 30 30 00", "8": "7C C6 C6 7C C6 C6 7C 00", "9": "7C C6 C6 7E 06 0C 78 00",
    "^": "10 38 6C C6 00 00 00 00", "/": "06 0C 0C 18 30 30 60 00", ":": "00 18 18 00 18 18 00 00", ".": "00 00 00 00 00 18 18 00",
    "-": "00 00 00 7E 00 00 00 00", ",": "00 00 00 00 18 18 30 00", "#": "6C 6C FE 6C FE 6C 6C 00", "*": "00 66 3C FF 3C 66 00 00",
}  # fmt: skip


def lettered(text: str, font: dict[str, str], scale: int) -> np.ndarray:
    """The mask of a text, 0 or 1, in a whole multiple of the glyphs' size. Letters become capitals; what has no glyph, a space."""
    width = 5 if font is FIVE else 8
    columns = []
    for letter in text.upper():
        rows = [int(row, 16) for row in font.get(letter, "00 " * (7 if font is FIVE else 8)).split()]
        columns += [[row >> bit & 1 for row in rows] for bit in reversed(range(width))]
        columns += [[0] * len(rows)] if font is FIVE else []
    mask = np.array(columns, np.float32).T
    return np.kron(mask, np.ones((scale, scale), np.float32))
