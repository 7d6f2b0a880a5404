#!/usr/bin/env python3
"""Makes iod-modules.csv and module-types.csv from the module tables that highdicom ships.

    pip install highdicom==0.28.2          # MIT; its tables are read from PS3.3 with innolitics/dicom-standard
    python src/standard/iod_types.py

Not part of a build. What comes out is pinned by a test beside iod_types.rs: a change is a deliberate one.
"""

import collections
import csv
import importlib.util
import json
import pathlib
import sys

from pydicom.datadict import tag_for_keyword

HERE = pathlib.Path(__file__).parent
TABLES = pathlib.Path(importlib.util.find_spec("highdicom").origin).parent / "_standard"
# Type 3 has no row: it is what an attribute has that no row names.
NEED = {"1": 1, "1C": 1, "2": 2, "2C": 2}


def tag(keyword):
    if keyword.startswith("Overlay") or keyword in ("NumberOfFramesInOverlay", "ImageFrameOrigin"):
        return None  # overlays go as whole groups
    if keyword in ("PixelDataProviderURL", "EncryptedAttributesSequence"):
        return None  # no dummy leads to pixels, and none opens an envelope
    number = tag_for_keyword(keyword)
    if number is None:
        print("not in the dictionary:", keyword, file=sys.stderr)
        return None
    return f"{number >> 16:04X}{number & 0xFFFF:04X}"


def main():
    modules = json.loads((TABLES / "module_attribute_map.json").read_text())
    iods = json.loads((TABLES / "iod_module_map.json").read_text())
    with open(HERE / "iods.csv") as file:
        names = sorted({row["iod"] for row in csv.DictReader(file)})
    used = {name: sorted({module["key"] for module in iods[name]}) for name in names}
    with open(HERE / "iod-modules.csv", "w") as file:
        file.write("iod,modules\n")
        file.writelines(f"{name},{' '.join(of)}\n" for name, of in used.items())

    at_top, in_items = collections.defaultdict(dict), {}
    for module in sorted({module for of in used.values() for module in of}):
        for attribute in modules[module]:
            number, need = tag(attribute["keyword"]), NEED.get(attribute["type"])
            if number is None or need is None:
                continue
            if attribute["path"]:
                place = (number, tag(attribute["path"][-1]))
                if place[1] is None:
                    continue
                in_items[place] = min(need, in_items.get(place, need))
            else:
                of = at_top[number]
                of[module] = min(need, of.get(module, need))

    rows = collections.defaultdict(list)
    for number, of in at_top.items():
        for module, need in of.items():
            rows[number, need, ""].append(module)
    for (number, parent), need in in_items.items():
        rows[number, need, "items"].append(parent)
    with open(HERE / "module-types.csv", "w") as file:
        file.write("tag,type,where,in\n")
        for (number, need, where), of in sorted(rows.items()):
            file.write(f"{number},{need},{where or 'top'},{' '.join(sorted(of))}\n")


if __name__ == "__main__":
    main()
