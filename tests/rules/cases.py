"""Rule files whose decisions are compared, with why each is here, and what is decided otherwise on purpose."""

# The words stand in the reason of a refusal of ours; the packages accept these rules and silently do nothing, or another
# thing than is written.
REFUSED_BY_US = {
    "is no source": "a field that does not exist gives nothing",
    "has no effect in a mapping": "a default in a mapping is never used",
    "stand in no parentheses": "each alternative matches by itself, without the other's ends",
    "no class of characters": "brackets mean that something is optional",
    "beside the `=`": "the blank belongs to what is read or matched",
    "beside the name": "the blank belongs to the name",
    "is no size": "what follows the unit is passed over",
    "is no time": "what cannot be read is passed over",
    "unknown key": "the key is passed over",
    "has no effect": "the key is passed over",
    "lower case": "another type than DICOM",
    "as text in": "the date format counts as text",
    "given twice": "the later one is used",
    "nothing is searched": "nothing is replaced",
    "ends the expression": "the expression ends before the colon or bar",
    "is no field of a filter": "fields of the superset aside",
}

# The packages refuse these or stop; here they have the meaning that they seem to have.
ACCEPTED_BY_US = {
    "superset-filters": "fields of the DICOM header, `ext` and `exists` in filters",
    "counts-in-groups": "counts such as `{3}` inside of braces",
    "date-names": "any expression for fields whose name has `date` or `time` in it",
    "moments": "timestamps in defaults and overrides",
    "target-first": "fields on the left where the right side alone is a source",
}

# Fields that the packages take from the header unasked, and fwupload from mappings only.
NEVER_BY_DEFAULT = ("subject.firstname", "subject.lastname", "session.operator")

CASES = [
    ("empty-rule", "everything, by folder names", "- {}"),
    ("no-rules", "nothing is taken", "[]"),
    ("search", "patterns of filters are searched and know no case", """
- include: ["path=~*.DCM$", "name=~^i1$"]
  exclude: ["name=~^."]
  level: acquisition"""),
    ("first-match", "the first rule that takes a file is used", """
- {include: ["name=~*.nii[.gz]$"], type: nifti, mappings: ["path=**/{acq}.nii[.gz]"]}
- {include: ["name=~*.json$"], level: session}
- {exclude: ["depth>1"], level: project}
- {include: ["path=~^odd/"], level: subject}"""),
    ("compared", "text, numbers, sizes and times", """
- {include: ["name=README", "name<1"], level: project}
- {include: ["size>1MB", "size=1024 kb"], level: subject}
- {include: ["mtime<2024"], level: project}
- {include: ["mtime>2024-05-31"], level: subject}
- {include: ["depth>=6", "dir=cohort/m003"], level: session}
- {include: ["mtime=2024-05-17T10:30:45"], exclude: ["size!=1", "name!~x"], level: project}"""),
    ("one-depth", "a mapping that fits one depth; others fall back to folders", """
- include: ["path=~^cohort/"]
  mappings: ["path=cohort/{sub}/{ses}/{acq}/*"]"""),
    ("optional", "optional parts, lazy groups", """
- include: ["path=~^sites/"]
  mappings:
    - "path=sites/{ses.info.site}_{sub}_{@day}_[v]{ses}/*/*"
    - "{!@day}-{!sub}={ses.info.key}\""""),
    ("bids", "names of BIDS", """
- include: ["path=~^bids/**/*.nii[.gz]$"]
  mappings:
    - "name=sub-{sub}[_ses-{ses}][_task-{acq.info.task}][_run-{acq.info.run}]_{acq}.*"
    - "{!sub}x{!ses}={session.info.key}"
  defaults: ["session.label=single"]"""),
    ("raw", "regular expressions as they stand", """
- include: ['path=~^sites/[A-Z]{3}_!r']
  mappings: ['path=sites/[A-Z]{3}_{sub:P[0-9]+}_{ses:[^/]+}/.*!r']"""),
    ("escaped", "escaped brackets, dots and stars", r"""
- include: ['path=~sites/\[A-Z\]\[A-Z\]R_']
  mappings: ['path=**/\[A-Z\]\*_{sub:P\d+}_*/**/*']
- include: ['name=~^\uid\.dat$']
  mappings: ['name={acq:\uid}.dat']
- include: ['name=~a=b', 'name=~^\(w\)']
  level: session"""),
    ("header", "what the header gives", """
- {include: ["path=~^cohort/**/*.dcm$", "name=~^I1$"], exclude: ["name=~^."], type: dicom,
   dicom_group_by: [StudyInstanceUID, SeriesInstanceUID], dicom_instance_name: "{SOPInstanceUID}.{Modality|NA}.dcm"}"""),
    ("header-text", "text of header values, substitution, formats", r"""
- include: ["path=~^cohort/**/*.dcm$", "name=~^I1$", "name=S.DCM"]
  exclude: ["name=~^."]
  type: dicom
  mappings:
    - '{PatientID/^PX-0*/S}={sub}'
    - 'path=**/{sub}/*'
    - '{SeriesNumber:03}_{SeriesDescription}={acq}'
    - '{PatientID/(\w+)-(\d+)/\2.\1:>12}={ses.info.code}'
    - 'ImageType={acq.info.kind}'
    - '{EchoTime} {PixelSpacing}={acq.info.echo}'
    - '{PatientWeight:.1f}={ses.info.kg}'
    - 'StudyDate={ses.info.day}'
    - '{patientid}|{00100020}|{size:>8}={ses.info.same}'"""),
    ("temporaries", "temporaries and earlier results", r"""
- include: ["path=~^cohort/**/*.dcm$"]
  exclude: ["name=~^."]
  type: dicom
  mappings:
    - 'PatientID={@site}-{@number}'
    - 'path=cohort/{@folder}/*'
    - '{!@site}.{!@number:.2}={sub}'
    - '{!@folder}={sub}'
    - '{!sub/\./_}={ses}'
    - '{SeriesDate}={ses.ts}'
    - '{!ses.ts:.10}={ses.info.day}'"""),
    ("constants", "overrides replace, an empty one removes, defaults come last", """
- include: ["path=~^cohort/M001/base/T1/"]
  type: dicom
  mappings: ["path=cohort/{sub}/**/*"]
  overrides:
    session.label: fixed/label
    session.uid: ""
    acquisition.tags: a,b
    session.age: 12
    subject.sex: nonsense
    session.timezone: Europe/Berlin
  defaults:
    project.label: Study 1
    subject.label: never
    acquisition.info.k: '{"x": {"y": 1}}'
    subject.info.l: [1, b]
- include: ["name=README"]
  defaults: {subject.label: D*, session.label: S., acquisition.label: A}"""),
    ("moments", "a moment as a constant", """
- {include: ["depth=1"], level: project, overrides: {session.timestamp: "2024-01-02 10:00"}}"""),
    ("cleaning", "labels: stars, refused characters, lengths, dots", """
- include: ["path=~^odd/"]
  mappings: ["path=odd/{sub}/{ses}/[{acq}/]{file}"]"""),
    ("groups", "keys of groups", r"""
- include: ["path=~^odd/", "depth=1"]
  zip: true
  group_by: '{dir/\/[^\/]+$/}'
- {include: ["path=~^bids/"], zip: true, zip_single: true}"""),
    ("pairs", "pairs, tables and older keys", """
- include: ["path=~^sites/"]
  mapping: [["{path/_/-}", "sites/{sub}/*/*"]]
  default: ["ses=1"]
  override: ["acq=2"]
- include: ["path=~^bids/"]
  mappings: {path: "{prj}/{sub}/**/*", name: "{acq}.*"}"""),
    ("info", "JSON in fields of info", r"""
- include: ["path=~^sites/"]
  mappings:
    - 'path=sites/{ses.info.a:\w\w\w}_P{ses.info.b:\d+}_*'
    - '{size}={sub.info.n}'
    - ['{"a": {"b": {size}}}', '{sub.info.o}']
    - '"{size}"={sub.info.t}'""", ),
    ("times", "formats that say how a date stands there", """
- include: ["path=~^sites/BER_P07"]
  mappings: ["path=*/{sub}_{session.timestamp:%Y%m%d}_*/**/*", "mtime={acq.info.t}"]"""),
    ("case", "case counts in patterns of mappings, unless it is said", """
- {include: ["name=S.DCM"], mappings: ["name={acq}.dcm", "name={ses}.dcm!i"]}"""),
    ("errors", "a number that is none stops the file", """
- {include: ["path=~^sites/"], mappings: ["name={file.size}.dat"]}
- {include: ["depth=1"], type: dicom}"""),
    ("superset-filters", "fields of the header", """
- {include: ["Modality=CT"], type: dicom}
- {include: ["ext=gz"]}"""),
    ("counts-in-groups", "counts", r"""
- mappings: ['path=sites/{ses.info.site}_P{sub:\d{2}}_*/**/*']"""),
    ("date-names", "a temporary called date", r"""
- mappings: ['path=sites/*_{sub}_{@date:\d\d\d\d\d\d\d\d}_*/**/*']"""),
    ("target-first", "fields on the left", """
- {include: ["path=~^bids/"], mappings: ["acquisition.label=name"]}"""),
    ("class", "the class of the documentation", """- mappings: ["path={sub:[a-z]+}_{ses}/*"]"""),
    ("ambiguous", "a target that may be several", """- mappings: ["path={uid}/*"]"""),
    ("unknown-key", "a key that is none", """- {includes: ["path=~x"]}"""),
    ("unknown-source", "a keyword that is none", """- {type: dicom, mappings: ["PatientIdd={sub}"]}"""),
    ("default-in-mapping", "a default without effect", """- {type: dicom, mappings: ["{AccessionNumber|none}={ses}"]}"""),
    ("alternatives", "alternatives without parentheses", """- mappings: ["path=cohort/{sub}/*|bids/{ses}/*"]"""),
    ("size-rest", "what follows a size", """- include: ["size=10 apples"]"""),
    ("short-month", "a month of one digit", """- include: ["mtime=2024-5-17"]"""),
    ("zip-false", "zip is true or absent", "- zip: false"),
    ("level", "levels are in lower case", "- level: Session"),
    ("one-filter", "filters are lists", """- include: "name=x\""""),
    ("not-set", "read before it is set", """- mappings: ["{!sub}={acq}", "path={sub}/*"]"""),
    ("twice", "one target twice", """- mappings: ["path={sub}/{sub}"]"""),
]

# Fields that differ in a case, with the reason.
DIFFERENT_FIELDS = {}
