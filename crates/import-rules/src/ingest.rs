//! Templates of `fw ingest template`, converted to rules. A template walks folders: each section is
//! a regular expression that takes one folder from its start on, and a file belongs to what was
//! found until a folder did not fit. Owns reading both forms and the text of the rule file; what
//! cannot be carried over stands there as a comment.

use std::fmt::Write as _;

use python_regex::PythonRegex;

use super::document::{Entry, Node, NodeKind, parse_yaml};
use super::notation::has_open_alternatives;
use super::refusal::{Refusal, RefusedRules, closest, shown};
use super::target::{Level, Target};
use super::template::count;

/// Shell globs that `fw ingest template` was given beside its template: `*`, `?` and `[ab]`, with
/// case counting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WalkFilters {
    /// `--include`, on names of files.
    pub include: Vec<String>,
    /// `--exclude`, on names of files.
    pub exclude: Vec<String>,
    /// `--include-dirs`, on the beginnings of paths.
    pub include_dirs: Vec<String>,
    /// `--exclude-dirs`, on names of folders.
    pub exclude_dirs: Vec<String>,
}

/// A section: what one folder must fit.
#[derive(Debug, Clone)]
struct Section {
    pieces: Vec<Piece>,
    /// Fields that it sets.
    sets: Vec<Target>,
    /// Whether a `$` at its end closes it.
    closed: bool,
}

#[derive(Debug, Clone)]
enum Piece {
    /// A part of an expression that takes no slash, with every repetition as a count.
    Expression(String),
    Field(Target),
    /// `(?P<name>`, whose end is in a later piece.
    Named(Target),
}

/// A section with what is done with the files below.
#[derive(Debug, Clone)]
struct Item {
    section: Section,
    packing: Packing,
    ignore: bool,
}

#[derive(Debug, Clone, Default)]
struct Packing {
    kind: Option<String>,
    name: bool,
    scan: Option<Scan>,
}

#[derive(Debug, Clone)]
enum Scan {
    Dicom,
    FileName(Section),
}

/// A template that was read.
struct Walk {
    chain: Vec<Item>,
    /// The last step, of which the first that fits counts.
    choices: Vec<Item>,
}

/// The text of a rule file that does what a template does, given as a string.
///
/// ```
/// use import_rules::{RuleSet, WalkFilters, rules_of_template};
///
/// let text = rules_of_template("sub-{subject}:{session}:{acquisition}", &WalkFilters::default())?;
/// assert!(text.contains("'path=sub-{subject}/{session}/{acquisition}/**/*'"));
/// assert!(RuleSet::from_yaml(&text).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn rules_of_template(template: &str, filters: &WalkFilters) -> Result<String, Refusal> {
    let (sections, options) = split_string(template);
    let mut chain = Vec::new();
    for section in sections {
        chain.push(Item {
            section: Section::parse(&section)?,
            packing: Packing::default(),
            ignore: false,
        });
    }
    if let Some(last) = chain.last_mut() {
        for option in options
            .split(',')
            .filter(|option| !option.is_empty())
        {
            let (key, value) = option
                .split_once('=')
                .unwrap_or((option, ""));
            last.option(key.trim(), value.trim())?;
        }
    }
    let walk = Walk {
        chain,
        choices: Vec::new(),
    };
    Ok(walk.rules(filters))
}

/// The text of a rule file that does what a template does, given as a YAML list.
pub fn rules_of_template_file(yaml: &str, filters: &WalkFilters) -> Result<String, RefusedRules> {
    let read = parse_yaml(yaml)
        .and_then(|node| Walk::read(&node))
        .map_err(|refusal| RefusedRules(vec![refusal]))?;
    Ok(read.rules(filters))
}

/// Sections at colons that no backslash stands before, and what follows the first such comma.
fn split_string(template: &str) -> (Vec<String>, &str) {
    let mut sections = vec![String::new()];
    let mut depth = 0_usize;
    let mut chars = template.char_indices();
    while let Some((at, c)) = chars.next() {
        let section = sections.last_mut();
        let Some(section) = section else { break };
        match c {
            '\\' => match chars.next() {
                Some((_, ':')) => section.push(':'),
                Some((_, ',')) => section.push(','),
                next => {
                    section.push(c);
                    section.extend(next.map(|(_, c)| c));
                }
            },
            ':' => sections.push(String::new()),
            ',' if depth == 0 => {
                return (
                    sections,
                    template
                        .get(at + 1..)
                        .unwrap_or_default(),
                );
            }
            c => {
                depth = match c {
                    '{' => depth + 1,
                    '}' => depth.saturating_sub(1),
                    _ => depth,
                };
                section.push(c);
            }
        }
    }
    (sections, "")
}

/// The field that a template's name means.
fn field(name: &str) -> Result<Target, Refusal> {
    let known = [
        "group",
        "project",
        "subject",
        "session",
        "acquisition",
        "group._id",
        "group.label",
        "project._id",
        "project.label",
        "subject._id",
        "subject.label",
        "session._id",
        "session.uid",
        "session.label",
        "session.timestamp",
        "acquisition._id",
        "acquisition.uid",
        "acquisition.label",
        "acquisition.timestamp",
    ];
    let info = name
        .split_once(".info.")
        .is_some_and(|(level, key)| {
            !key.is_empty()
                && Level::ALL
                    .iter()
                    .any(|(name, _)| *name == level)
        });
    if known.contains(&name) || info {
        return Target::parse(name);
    }
    Err(
        Refusal::new(format!("`{}` is no name of a template", shown(name))).did_you_mean(
            closest(name, known, 0.85),
            "names are group, project, subject, session and acquisition",
        ),
    )
}

impl Section {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut section = Self {
            pieces: Vec::new(),
            sets: Vec::new(),
            closed: false,
        };
        let text = text
            .strip_prefix('^')
            .unwrap_or(text);
        let text = match text.strip_suffix('$') {
            Some(open) if !open.ends_with('\\') => {
                section.closed = true;
                open
            }
            _ => text,
        };
        section.read(text)?;
        let plain = section.plain();
        PythonRegex::new(&plain).map_err(|error| {
            Refusal::new(format!(
                "a section of the template is no regular expression: {error}"
            ))
        })?;
        Ok(section)
    }

    fn read(&mut self, text: &str) -> Result<(), Refusal> {
        let mut at = 0;
        while let Some(c) = text
            .get(at..)
            .and_then(|rest| rest.chars().next())
        {
            let rest = text.get(at..).unwrap_or_default();
            let next = rest
                .get(c.len_utf8()..)
                .and_then(|rest| rest.chars().next());
            at += match c {
                '\\' => {
                    self.escape(next);
                    1 + next.map_or(0, char::len_utf8)
                }
                '[' => {
                    let class = class(rest)?;
                    let inner = class.get(1..).unwrap_or_default();
                    // A class that says what is not in it would take slashes.
                    self.push(&match inner.strip_prefix('^') {
                        Some(inner) => format!("[^/{}", without_repetitions(inner)),
                        None => format!("[{}", without_repetitions(inner)),
                    });
                    class.len()
                }
                '.' => {
                    self.push("[^/]");
                    1
                }
                '+' | '*' if matches!(next, Some('?' | '+')) => {
                    self.push(&format!("{c}{}", next.unwrap_or_default()));
                    2
                }
                '+' => {
                    self.push("{1,}");
                    1
                }
                '*' => {
                    self.push("{0,}");
                    1
                }
                '{' => self.brace(rest)?,
                '(' => {
                    let named = rest
                        .strip_prefix("(?P<")
                        .and_then(|rest| rest.split_once('>'));
                    if let Some((name, _)) = named {
                        self.open_named(name)?;
                        name.len() + 5
                    } else {
                        self.push("(");
                        1
                    }
                }
                '^' | '$' => {
                    return Err(Refusal::new(
                        "a `^` or `$` in the middle of a section cannot be carried over",
                    ));
                }
                c => {
                    self.push(c.encode_utf8(&mut [0; 4]));
                    c.len_utf8()
                }
            };
        }
        Ok(())
    }

    fn push(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Expression(expression)) => expression.push_str(text),
            _ => self
                .pieces
                .push(Piece::Expression(text.to_owned())),
        }
    }

    fn escape(&mut self, next: Option<char>) {
        match next {
            Some('D') => self.push("[^\\d/]"),
            Some('W') => self.push("[^\\w/]"),
            Some('S') => self.push("[^\\s/]"),
            next => {
                let mut text = "\\".to_owned();
                text.extend(next);
                self.push(&text);
            }
        }
    }

    /// `(?P<name>`.
    fn open_named(&mut self, name: &str) -> Result<(), Refusal> {
        if name.contains('.') {
            return Err(Refusal::new("a group of Python's has no dot in its name")
                .with_hint("write the field in braces"));
        }
        let target = field(name)?;
        self.set(&target)?;
        self.pieces
            .push(Piece::Named(target));
        Ok(())
    }

    fn brace(&mut self, rest: &str) -> Result<usize, Refusal> {
        if let Some(length) = count(rest) {
            self.push(
                rest.get(..length)
                    .unwrap_or_default(),
            );
            return Ok(length);
        }
        let end = rest
            .find('}')
            .ok_or_else(|| Refusal::new("a `{` without its `}`"))?;
        let target = field(rest.get(1..end).unwrap_or_default())?;
        self.set(&target)?;
        self.pieces
            .push(Piece::Field(target));
        Ok(end + 1)
    }

    fn set(&mut self, target: &Target) -> Result<(), Refusal> {
        if self.sets.contains(target) {
            return Err(Refusal::new(format!(
                "`{}` stands in a section twice",
                target.name()
            )));
        }
        self.sets.push(target.clone());
        Ok(())
    }

    /// Whether it is some plain characters and at most one field, at the end: what the simple
    /// notation of rules says as well.
    fn is_simple(&self) -> bool {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
        match self.pieces.as_slice() {
            [Piece::Field(_)] => true,
            [Piece::Expression(text)] | [Piece::Expression(text), Piece::Field(_)] => {
                text.chars().all(plain)
            }
            _ => false,
        }
    }

    fn is_open(&self) -> bool {
        !self.closed && !matches!(self.pieces.last(), Some(Piece::Field(_)))
    }

    /// For a filter, in simple notation.
    fn simple_filter(&self) -> String {
        self.written(|_| "*".to_owned(), |_| String::new(), "*")
    }

    /// For a mapping, in simple notation.
    fn simple_pattern(&self) -> String {
        self.written(
            |target| format!("{{{}}}", short(target)),
            |_| String::new(),
            "*",
        )
    }

    /// For a filter, as an expression without names.
    fn plain(&self) -> String {
        let text = self.written(|_| "[^/]+".to_owned(), |_| "(?:".to_owned(), "[^/]*");
        grouped(text)
    }

    /// For a mapping, as a raw pattern.
    fn raw_pattern(&self) -> String {
        let text = self.written(
            |target| format!("{{{}:[^/]{{1,}}}}", short(target)),
            |target| format!("(?P<{}>", target.name().replace(".label", "")),
            "[^/]*",
        );
        grouped(text)
    }

    fn written(
        &self,
        field: impl Fn(&Target) -> String,
        named: impl Fn(&Target) -> String,
        open: &str,
    ) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Expression(text) => out.push_str(text),
                Piece::Field(target) => out.push_str(&field(target)),
                Piece::Named(target) => out.push_str(&named(target)),
            }
        }
        if self.is_open() {
            out.push_str(open);
        }
        out
    }
}

/// With parentheses around alternatives that stand in none.
fn grouped(text: String) -> String {
    if has_open_alternatives(&text) {
        format!("(?:{text})")
    } else {
        text
    }
}

/// The name of a field as a person would write it.
fn short(target: &Target) -> String {
    let name = target.name();
    name.strip_suffix(".label")
        .filter(|level| *level != "group")
        .map_or(name.clone(), str::to_owned)
}

/// A class of characters at the start of a text, with its brackets.
fn class(text: &str) -> Result<&str, Refusal> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        let first = at == 1 || at == 2 && text.starts_with("[^");
        if c == ']' && !escaped && !first {
            return Ok(text.get(..=at).unwrap_or_default());
        }
        escaped = c == '\\' && !escaped;
    }
    Err(Refusal::new("a `[` without its `]`"))
}

/// The inside of a class whose stars and pluses no one takes for repetitions.
fn without_repetitions(inner: &str) -> String {
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(c);
                out.extend(chars.next());
            }
            '*' | '+' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

impl Item {
    fn option(&mut self, key: &str, value: &str) -> Result<(), Refusal> {
        match key {
            "packfile_type" => self.packing.kind = Some(value.to_owned()),
            "packfile_name" => self.packing.name = true,
            // Any text counts as true.
            "ignore" => self.ignore = !value.is_empty(),
            "scan" => self.packing.scan = Some(Scan::named(value)?),
            _ => {
                let known = ["packfile_type", "packfile_name", "ignore", "scan"];
                return Err(
                    Refusal::new(format!("`{}` is no option of a template", shown(key)))
                        .did_you_mean(
                            closest(key, known, 0.8),
                            "options are packfile_type, packfile_name, ignore and scan",
                        ),
                );
            }
        }
        Ok(())
    }

    fn of(node: &Node) -> Result<Self, Refusal> {
        let entries = match &node.kind {
            NodeKind::Text(text) => {
                return Ok(Self {
                    section: Section::parse(text).map_err(|error| error.at(node.position))?,
                    packing: Packing::default(),
                    ignore: false,
                });
            }
            NodeKind::Map(entries) => entries,
            _ => return Err(node.refuse("a step of a template is text or a table")),
        };
        let pattern = entries
            .iter()
            .find(|entry| entry.key == "pattern")
            .ok_or_else(|| node.refuse("a step of a template has no `pattern`"))?;
        let text = pattern.value.text("pattern")?;
        let mut item = Self {
            section: Section::parse(text).map_err(|error| error.at(pattern.value.position))?,
            packing: Packing::default(),
            ignore: false,
        };
        for entry in entries {
            match entry.key.as_str() {
                "pattern" => {}
                "ignore" => {
                    item.ignore = !matches!(&entry.value.kind, NodeKind::Bool(false));
                }
                "scan" if matches!(entry.value.kind, NodeKind::Map(_)) => {
                    item.packing.scan = Some(Scan::of(entry)?);
                }
                key => {
                    let value = entry.value.text(key)?;
                    item.option(key, value)
                        .map_err(|error| error.at(entry.position))?;
                }
            }
        }
        Ok(item)
    }
}

impl Scan {
    fn named(name: &str) -> Result<Self, Refusal> {
        match name {
            "dicom" => Ok(Self::Dicom),
            "filename" => Err(Refusal::new("scanning file names needs a pattern")
                .with_hint("write `scan: {name: filename, pattern: ...}`")),
            _ => Err(Refusal::new(format!("`{}` is no scanner", shown(name)))
                .with_hint("scanners are dicom and filename")),
        }
    }

    fn of(entry: &Entry) -> Result<Self, Refusal> {
        let entries = entry.value.entries("scan")?;
        let get = |key: &str| {
            entries
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| &entry.value)
        };
        let name = get("name")
            .ok_or_else(|| {
                entry
                    .value
                    .refuse("`scan` has no `name`")
            })?
            .text("name")?;
        match (name, get("pattern")) {
            ("filename", Some(pattern)) => Section::parse(pattern.text("pattern")?)
                .map(Self::FileName)
                .map_err(|error| error.at(pattern.position)),
            _ => Self::named(name).map_err(|error| error.at(entry.position)),
        }
    }
}

impl Walk {
    fn read(node: &Node) -> Result<Self, Refusal> {
        let mut walk = Self {
            chain: Vec::new(),
            choices: Vec::new(),
        };
        for step in node.items("template")? {
            if !walk.choices.is_empty() {
                return Err(step
                    .refuse("a step stands behind `select`, which must be the last")
                    .with_hint("put it into the items of `select`"));
            }
            let select = match &step.kind {
                NodeKind::Map(entries) => entries
                    .iter()
                    .find(|entry| entry.key == "select"),
                _ => None,
            };
            match select {
                Some(select) => {
                    for choice in select.value.items("select")? {
                        walk.choices.push(Item::of(choice)?);
                    }
                }
                None => walk.chain.push(Item::of(step)?),
            }
        }
        Ok(walk)
    }

    /// Rules from the deepest step to the outermost, so that a file is taken by the longest part of
    /// the template that fits.
    fn rules(&self, filters: &WalkFilters) -> String {
        let mut writer = Writer::new(filters);
        let mut chain: Vec<&Item> = self.chain.iter().collect();
        for choice in &self.choices {
            let mut steps = chain.clone();
            steps.push(choice);
            writer.rule(&steps);
        }
        while let Some(last) = chain.last() {
            let sections = |items: &[&Item]| -> Vec<Target> {
                items
                    .iter()
                    .flat_map(|item| item.section.sets.clone())
                    .collect()
            };
            let before = chain
                .get(..chain.len() - 1)
                .unwrap_or_default();
            let same = sections(&chain).len() == sections(before).len();
            let packs = last.packing.kind.is_some() || last.packing.scan.is_some() || last.ignore;
            let is_whole = self.choices.is_empty() && chain.len() == self.chain.len();
            if is_whole || packs || !same && level(&chain) != Level::Project {
                writer.rule(&chain);
            }
            chain.pop();
        }
        writer.finish()
    }
}

/// The innermost level for which a section gives a label.
fn level(items: &[&Item]) -> Level {
    let mut found = Level::Project;
    let scanned = items
        .iter()
        .any(|item| item.packing.scan.is_some());
    for (_, level) in Level::ALL {
        let label = Target::label_of(level);
        let named = items
            .iter()
            .any(|item| item.section.sets.contains(&label));
        if named || scanned {
            found = level;
        }
    }
    found
}

struct Writer {
    out: String,
    comments: Vec<String>,
    /// Of every rule.
    exclude: Vec<String>,
}

impl Writer {
    fn new(filters: &WalkFilters) -> Self {
        let mut exclude = vec!["path=~(?:^|/)\\.!r".to_owned(), "size=0".to_owned()];
        let names = |globs: &[String]| -> String {
            let all: Vec<_> = globs
                .iter()
                .map(|glob| expression_of_glob(glob))
                .collect();
            all.join("|")
        };
        if !filters.include.is_empty() {
            exclude.push(format!("name!~^(?:{})$!r", names(&filters.include)));
        }
        if !filters.exclude.is_empty() {
            exclude.push(format!("name=~^(?:{})$!r", names(&filters.exclude)));
        }
        if !filters.include_dirs.is_empty() {
            exclude.push(format!("path!~^(?:{})/!r", names(&filters.include_dirs)));
        }
        if !filters.exclude_dirs.is_empty() {
            exclude.push(format!(
                "path=~(?:^|/)(?:{})/!r",
                names(&filters.exclude_dirs)
            ));
        }
        let comments = vec![
            "Hidden files and empty ones are left out, as the template does.".to_owned(),
            "Filters know no upper and lower case, the template does; mappings do.".to_owned(),
            "Files that fit no section go to the project there; here no rule takes them."
                .to_owned(),
        ];
        Self {
            out: String::new(),
            comments,
            exclude,
        }
    }

    fn comment(&mut self, text: &str) {
        if !self
            .comments
            .iter()
            .any(|known| known == text)
        {
            self.comments.push(text.to_owned());
        }
    }

    /// The rule for files below these steps, or what leaves them out.
    fn rule(&mut self, steps: &[&Item]) {
        let Some(last) = steps.last() else { return };
        let simple = steps
            .iter()
            .all(|item| item.section.is_simple() && !item.section.closed);
        let joined = |write: &dyn Fn(&Section) -> String| {
            let parts: Vec<_> = steps
                .iter()
                .map(|item| write(&item.section))
                .collect();
            parts.join("/")
        };
        let filter = if simple {
            format!("path=~^{}/", joined(&Section::simple_filter))
        } else {
            format!("path=~^{}/!r", joined(&Section::plain))
        };
        if last.ignore {
            self.exclude.push(filter);
            self.comment(
                "A step with `ignore` leaves out what fits its pattern, and nothing else.",
            );
            return;
        }
        let scan = last.packing.scan.as_ref();
        let sets = steps
            .iter()
            .any(|item| !item.section.sets.is_empty());
        let mut mappings = Vec::new();
        if let Some(Scan::FileName(name)) = scan {
            let folders = joined(&Section::raw_pattern);
            let below = "(?:[^/]{1,}/){0,}";
            mappings.push(format!("path={folders}/{below}{}!r", name.raw_pattern()));
            self.comment("A file whose name does not fit fails for want of a label.");
        } else if sets && simple {
            mappings.push(format!("path={}/**/*", joined(&Section::simple_pattern)));
        } else if sets {
            mappings.push(format!("path={}/.*!r", joined(&Section::raw_pattern)));
        }
        let _ = writeln!(self.out, "- level: {}", level(steps).name());
        let dicom =
            matches!(scan, Some(Scan::Dicom)) || last.packing.kind.as_deref() == Some("dicom");
        if matches!(scan, Some(Scan::Dicom)) {
            mappings.extend(dicom_labels());
        }
        self.packing(last, dicom, steps.len());
        self.list("include", &[filter]);
        self.list("exclude", &self.exclude.clone());
        if !mappings.is_empty() {
            self.list("mappings", &mappings);
        }
        let outer = steps.iter().any(|item| {
            item.section
                .sets
                .iter()
                .any(|target| {
                    target.name().starts_with("group") || target.name().starts_with("project")
                })
        });
        if outer {
            self.comment("Group and project come from `--project`, whatever a folder is called.");
        }
    }

    fn packing(&mut self, item: &Item, dicom: bool, depth: usize) {
        if dicom {
            self.out.push_str("  type: dicom\n");
            if item.packing.scan.is_some() {
                self.out
                    .push_str("  dicom_group_by: [StudyInstanceUID, SeriesInstanceUID]\n");
            }
        } else {
            self.comment(
                "Files that are not DICOM are not cleaned: where that is meant, add \
                 `allow-uncleaned: true` to their rule.",
            );
            match item.packing.kind.as_deref() {
                None => {}
                Some("zip") => self
                    .out
                    .push_str("  zip: true\n  zip_single: true\n"),
                Some(kind) => {
                    let _ = writeln!(self.out, "  type: {}", quoted(kind));
                    self.out
                        .push_str("  zip: true\n  zip_single: false\n");
                }
            }
        }
        if item.packing.kind.is_some() {
            let group = format!(
                "{{path/^([^\\/]+(\\/[^\\/]+){{{}}})\\/.*$/\\1}}",
                depth.saturating_sub(1)
            );
            let _ = writeln!(self.out, "  group_by: {}", quoted(&group));
        }
        if item.packing.name {
            self.comment("`packfile_name` is not carried over: packages are named by their label.");
        }
    }

    fn list(&mut self, key: &str, items: &[String]) {
        let _ = writeln!(self.out, "  {key}:");
        for item in items {
            let _ = writeln!(self.out, "    - {}", quoted(item));
        }
    }

    fn finish(self) -> String {
        let mut text = "# Converted from a template of `fw ingest template`.\n".to_owned();
        for comment in &self.comments {
            let _ = writeln!(text, "# {comment}");
        }
        text.push('\n');
        if self.out.is_empty() {
            text.push_str("# Everything is ignored.\n[]\n");
        }
        text.push_str(&self.out);
        text
    }
}

/// Labels as the DICOM scan makes them, where no folder gives one.
fn dicom_labels() -> [String; 3] {
    [
        "PatientID={subject}".to_owned(),
        "{StudyDate/^(\\d\\d\\d\\d)(\\d\\d)(\\d\\d)$/\\1-\\2-\\3} \
         {StudyTime/^(\\d\\d)(\\d\\d)(\\d\\d).*$/\\1_\\2_\\3}={session}"
            .to_owned(),
        "StudyInstanceUID={session}".to_owned(),
    ]
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The expression of a shell glob.
fn expression_of_glob(glob: &str) -> String {
    let mut out = String::new();
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => {
                out.push('[');
                if chars.peek() == Some(&'!') {
                    chars.next();
                    out.push('^');
                }
            }
            ']' | '-' | '/' => out.push(c),
            c if c.is_alphanumeric() || c == '_' || c == ' ' => out.push(c),
            c => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    out
}
