//! Reading rule files. Owns the keys that a rule may have and the forms of their values; everything
//! that is wrong with a file is found in one go, with its place.

use super::document::{Entry, Node, NodeKind, parse_toml, parse_yaml};
use super::filter::Filter;
use super::header::HeaderField;
use super::mapping::{Mapping, Sets};
use super::refusal::{Refusal, Refusals, RefusedRules, closest, shown};
use super::rule::{Note, Rule, RuleSet, RuleType};
use super::target::{Level, Target};
use super::template::{GroupTemplate, ValueTemplate};
use super::value::Value;

/// Keys of a rule; of those with two spellings the second is an older one.
const RULE_KEYS: [&str; 17] = [
    "level",
    "include",
    "exclude",
    "type",
    "mappings",
    "mapping",
    "defaults",
    "default",
    "overrides",
    "override",
    "group_by",
    "zip",
    "zip_single",
    "dicom_group_by",
    "dicom_instance_name",
    "dicom_split_localizer",
    "allow-uncleaned",
];

const FILE_KEYS: [&str; 11] = [
    "rules",
    "folder-labels",
    "dates-from-path",
    "type",
    "scan_params",
    "fail_fast",
    "label",
    "storage_kind",
    "conflict_strategy",
    "uid_scope",
    "description",
];

/// Keys of managed rule sets that are for Flywheel's own importer.
const NOT_APPLICABLE: [&str; 5] = [
    "label",
    "storage_kind",
    "conflict_strategy",
    "uid_scope",
    "description",
];

impl RuleSet {
    /// Reads rules in YAML: a list, or a table with `rules`.
    pub fn from_yaml(text: &str) -> Result<Self, RefusedRules> {
        let text = text
            .strip_prefix('\u{feff}')
            .unwrap_or(text);
        let node = parse_yaml(text).map_err(|refusal| RefusedRules(vec![refusal]))?;
        read(&node)
    }

    /// Reads rules in TOML: `[[rules]]`.
    pub fn from_toml(text: &str) -> Result<Self, RefusedRules> {
        let text = text
            .strip_prefix('\u{feff}')
            .unwrap_or(text);
        let node = parse_toml(text).map_err(|refusal| RefusedRules(vec![refusal]))?;
        read(&node)
    }
}

fn read(node: &Node) -> Result<RuleSet, RefusedRules> {
    let mut refusals = Refusals::default();
    let mut set = RuleSet::default();
    match &node.kind {
        NodeKind::List(items) => rules(items, &mut set, &mut refusals),
        NodeKind::Map(entries) => table(node, entries, &mut set, &mut refusals),
        NodeKind::Null => refusals.add(
            node.refuse("the file holds no rules")
                .with_hint("a file that takes nothing is `[]`"),
        ),
        _ => refusals.add(node.refuse("rules are a list, or a table with `rules`")),
    }
    refusals.settle(set)
}

fn table(node: &Node, entries: &[Entry], set: &mut RuleSet, refusals: &mut Refusals) {
    let has = |key: &str| {
        entries
            .iter()
            .any(|entry| entry.key == key)
    };
    if !has("rules") {
        let rule_like = entries
            .iter()
            .any(|entry| RULE_KEYS.contains(&entry.key.as_str()) && entry.key != "type");
        let hint = if rule_like {
            "for a single rule begin its first line with `- `"
        } else {
            "write them as a list below `rules:`"
        };
        refusals.add(
            node.refuse("the file has no `rules`")
                .with_hint(hint),
        );
    }
    for entry in entries {
        let (key, value) = (entry.key.as_str(), &entry.value);
        match key {
            _ if !FILE_KEYS.contains(&key) => refusals.add(unknown_key(entry, &FILE_KEYS)),
            _ if value.is_null() && key != "rules" => {}
            "rules" => match &value.kind {
                NodeKind::Map(_) => refusals.add(value.instead_of("rules", "a list")),
                _ => {
                    if let Some(items) = refusals.take(value.items("rules")) {
                        rules(items, set, refusals);
                    }
                }
            },
            "folder-labels" => set.folder_labels = refusals.take(value.flag(key)),
            "dates-from-path" => set.dates_from_path = refusals.take(value.flag(key)),
            "type" => {
                let read = value
                    .text(key)
                    .and_then(|text| match text {
                        "import" => Ok(()),
                        _ => Err(value.refuse("the `type` of a rule file is `import`")),
                    });
                refusals.take(read);
            }
            "scan_params" => scan_params(value, set, refusals),
            "fail_fast" => set.fail_fast = refusals.take(percentage(value)),
            _ => {}
        }
        if NOT_APPLICABLE.contains(&key) {
            set.notes.push(Note {
                position: entry.position,
                message: format!("`{key}` is for Flywheel's own importer and has no effect here"),
            });
        }
    }
}

fn scan_params(node: &Node, set: &mut RuleSet, refusals: &mut Refusals) {
    let Some(entries) = refusals.take(node.entries("scan_params")) else {
        return;
    };
    for entry in entries {
        if entry.key != "prefixes" {
            refusals.add(unknown_key(entry, &["prefixes"]));
            continue;
        }
        let Some(items) = refusals.take(entry.value.items("prefixes")) else {
            continue;
        };
        for item in items {
            let prefix = item.text("prefixes").map(|text| {
                text.trim_start_matches('/')
                    .to_owned()
            });
            set.prefixes
                .extend(refusals.take(prefix));
        }
    }
}

fn percentage(node: &Node) -> Result<f64, Refusal> {
    let share = match &node.kind {
        NodeKind::Text(text) => text
            .strip_suffix('%')
            .and_then(|number| number.trim().parse::<f64>().ok())
            .filter(|share| (0.0..=100.0).contains(share)),
        _ => None,
    };
    share
        .map(|share| share / 100.0)
        .ok_or_else(|| node.refuse("`fail_fast` is a share such as \"5%\""))
}

fn unknown_key(entry: &Entry, known: &[&'static str]) -> Refusal {
    let otherwise = match entry.key.as_str() {
        "job" => "this form of a rule file is not Flywheel's",
        _ => "take it out: a key that does nothing may look as if it did",
    };
    Refusal::new(format!("unknown key `{}`", shown(&entry.key)))
        .did_you_mean(closest(&entry.key, known.iter().copied(), 0.8), otherwise)
        .at(entry.position)
}

fn rules(items: &[Node], set: &mut RuleSet, refusals: &mut Refusals) {
    for item in items {
        let Some(entries) = refusals.take(item.entries("rules")) else {
            continue;
        };
        let mut reader = RuleReader {
            rule: Rule::default(),
            notes: &mut set.notes,
            refusals,
        };
        reader.read(entries);
        set.rules.push(reader.rule);
    }
}

struct RuleReader<'a> {
    rule: Rule,
    notes: &'a mut Vec<Note>,
    refusals: &'a mut Refusals,
}

impl RuleReader<'_> {
    fn read(&mut self, entries: &[Entry]) {
        for entry in entries {
            if !RULE_KEYS.contains(&entry.key.as_str()) {
                self.refusals
                    .add(unknown_key(entry, &RULE_KEYS));
            }
        }
        for (plural, singular) in [
            ("mappings", "mapping"),
            ("defaults", "default"),
            ("overrides", "override"),
        ] {
            let both = entries
                .iter()
                .filter(|entry| entry.key == plural || entry.key == singular)
                .nth(1);
            if let Some(entry) = both {
                let message = format!("`{plural}` and `{singular}` are one key, written twice");
                self.refusals
                    .add(Refusal::new(message).at(entry.position));
            }
        }
        let given = |key: &str| {
            entries
                .iter()
                .find(|entry| entry.key == key && !entry.value.is_null())
        };
        let either = |plural: &str, singular: &str| given(plural).or_else(|| given(singular));
        if let Some(entry) = given("type") {
            self.kind(&entry.value);
        }
        if let Some(entry) = given("level") {
            self.level(&entry.value);
        }
        for key in ["include", "exclude"] {
            if let Some(entry) = given(key) {
                self.filters(key, &entry.value);
            }
        }
        if let Some(entry) = either("mappings", "mapping") {
            self.mappings(&entry.value);
        }
        if let Some(entry) = either("defaults", "default") {
            let defaults = self.constants("defaults", &entry.value);
            self.rule.defaults = defaults
                .into_iter()
                .filter_map(|(target, value)| Some((target, value?)))
                .collect();
        }
        if let Some(entry) = either("overrides", "override") {
            self.rule.overrides = self.constants("overrides", &entry.value);
        }
        self.packing(&given);
        if let Some(entry) = given("allow-uncleaned") {
            let flag = self
                .refusals
                .take(entry.value.flag("allow-uncleaned"));
            self.rule.allow_uncleaned = flag == Some(true);
            if self.rule.kind == RuleType::Dicom && flag == Some(true) {
                let message = "`allow-uncleaned` has no effect on DICOM files, which are cleaned";
                self.refusals
                    .add(Refusal::new(message).at(entry.position));
            }
        }
    }

    fn kind(&mut self, node: &Node) {
        let Some(text) = self
            .refusals
            .take(node.text("type"))
        else {
            return;
        };
        self.rule.kind = match text {
            "dicom" => RuleType::Dicom,
            "" => {
                self.refusals
                    .add(node.refuse("`type` is empty"));
                return;
            }
            text if text
                .trim()
                .eq_ignore_ascii_case("dicom") =>
            {
                self.refusals.add(
                    node.refuse("the type of DICOM files is written in lower case")
                        .with_hint("did you mean `dicom`?"),
                );
                RuleType::Dicom
            }
            text => RuleType::Other(text.to_owned()),
        };
    }

    fn level(&mut self, node: &Node) {
        let Some(text) = self
            .refusals
            .take(node.text("level"))
        else {
            return;
        };
        let known = Level::ALL
            .iter()
            .find(|(name, _)| *name == text);
        if let Some((_, level)) = known {
            self.rule.level = *level;
        } else {
            let near = closest(
                text,
                Level::ALL
                    .iter()
                    .map(|(name, _)| *name),
                0.8,
            );
            self.refusals.add(
                node.refuse(format!("`{}` is no level", shown(text)))
                    .did_you_mean(near, "a level is project, subject, session or acquisition"),
            );
        }
    }

    fn filters(&mut self, key: &str, node: &Node) {
        let Some(items) = self.refusals.take(node.items(key)) else {
            return;
        };
        for item in items {
            let read = item
                .text(key)
                .and_then(|text| Filter::parse(text).map_err(|refusal| refusal.at(item.position)));
            let Some(filter) = self.refusals.take(read) else {
                continue;
            };
            if let Some(message) = &filter.note {
                self.notes.push(Note {
                    position: item.position,
                    message: message.clone(),
                });
            }
            if key == "include" {
                self.rule
                    .filters
                    .include
                    .push(filter);
            } else {
                self.rule
                    .filters
                    .exclude
                    .push(filter);
            }
        }
    }

    fn mappings(&mut self, node: &Node) {
        let scope = self.rule.kind.scope();
        let mut earlier: Vec<Sets> = Vec::new();
        let mut add = |reader: &mut Self, mapping: Result<Mapping, Refusal>, node: &Node| {
            let read = mapping
                .and_then(|mapping| {
                    mapping.check_references(&earlier)?;
                    Ok(mapping)
                })
                .map_err(|refusal| refusal.at(node.position));
            if let Some(mapping) = reader.refusals.take(read) {
                earlier.extend(mapping.sets().cloned());
                reader.rule.mappings.push(mapping);
            }
        };
        match &node.kind {
            NodeKind::Text(text) => add(self, Mapping::parse(text, scope), node),
            NodeKind::Map(entries) => {
                for entry in entries {
                    let mapping = entry
                        .value
                        .text(&entry.key)
                        .and_then(|pattern| Mapping::of_sides(&entry.key, pattern, scope));
                    add(self, mapping, &entry.value);
                }
            }
            NodeKind::List(items) => {
                for item in items {
                    let mapping = match &item.kind {
                        NodeKind::List(pair) => match pair.as_slice() {
                            [left, right] => left
                                .text("mappings")
                                .and_then(|left| {
                                    Mapping::of_sides(left, right.text("mappings")?, scope)
                                }),
                            _ => Err(item.refuse("a mapping as a list is a pair")),
                        },
                        _ => item
                            .text("mappings")
                            .and_then(|text| Mapping::parse(text, scope)),
                    };
                    add(self, mapping, item);
                }
            }
            _ => self
                .refusals
                .add(node.instead_of("mappings", "a list")),
        }
    }

    /// Fields with values: `field=value` in a list, or a table. An empty value is none.
    fn constants(&mut self, key: &str, node: &Node) -> Vec<(Target, Option<Value>)> {
        let mut read: Vec<(Target, Option<Value>)> = Vec::new();
        let mut add = |reader: &mut Self, name: &str, value: Option<Value>, node: &Node| {
            if name.starts_with('@') {
                reader
                    .refusals
                    .add(node.refuse(format!(
                        "`{}` is for mappings and has no effect here",
                        shown(name)
                    )));
                return;
            }
            let target = Target::parse(name).map_err(|refusal| refusal.at(node.position));
            let Some(target) = reader.refusals.take(target) else {
                return;
            };
            if let Some(refusal) = unfit(key, &target, value.as_ref()) {
                reader
                    .refusals
                    .add(refusal.at(node.position));
            } else if read
                .iter()
                .any(|(known, _)| *known == target)
            {
                reader
                    .refusals
                    .add(node.refuse(format!("`{}` is given twice in `{key}`", target.name())));
            } else {
                read.push((target, value));
            }
        };
        match &node.kind {
            NodeKind::Map(entries) => {
                for entry in entries {
                    if let Some(value) = self
                        .refusals
                        .take(value_of(&entry.value))
                    {
                        add(self, &entry.key, value, &entry.value);
                    }
                }
            }
            NodeKind::List(items) => {
                for item in items {
                    let pair = item.text(key).and_then(|text| {
                        text.split_once('=').ok_or_else(|| {
                            item.refuse(format!("an item of `{key}` is written `field=value`"))
                        })
                    });
                    if let Some((name, value)) = self.refusals.take(pair) {
                        let value = (!value.is_empty()).then(|| Value::text(value));
                        add(self, name, value, item);
                    }
                }
            }
            _ => self
                .refusals
                .add(node.instead_of(key, "a table, or a list of `field=value`")),
        }
        read
    }

    fn packing<'e>(&mut self, given: &dyn Fn(&str) -> Option<&'e Entry>) {
        let scope = self.rule.kind.scope();
        if let Some(entry) = given("zip") {
            match entry.value.flag("zip") {
                Ok(true) => self.rule.zip = true,
                Ok(false) => self.refusals.add(
                    entry
                        .value
                        .refuse("`zip` is true, or left out")
                        .with_hint("take it out"),
                ),
                Err(refusal) => self.refusals.add(refusal),
            }
        }
        if let Some(entry) = given("zip_single") {
            self.rule.zip_single = self
                .refusals
                .take(entry.value.flag("zip_single"));
        }
        self.rule.groups_by_own = given("group_by").is_some();
        let group_by = match given("group_by") {
            Some(entry) => entry
                .value
                .text("group_by")
                .and_then(|text| {
                    GroupTemplate::parse(text, scope)
                        .map_err(|refusal| refusal.at(entry.value.position))
                })
                .map(Some),
            None if self.rule.zips() => GroupTemplate::parse("dir", scope).map(Some),
            None => Ok(None),
        };
        self.rule.group_by = self
            .refusals
            .take(group_by)
            .flatten();
        for key in [
            "dicom_group_by",
            "dicom_instance_name",
            "dicom_split_localizer",
        ] {
            let Some(entry) = given(key) else {
                continue;
            };
            if self.rule.kind != RuleType::Dicom {
                let message = format!("`{key}` has no effect without `type: dicom`");
                self.refusals
                    .add(Refusal::new(message).at(entry.position));
                continue;
            }
            self.dicom_packing(key, &entry.value);
        }
    }

    fn dicom_packing(&mut self, key: &str, node: &Node) {
        let scope = self.rule.kind.scope();
        match key {
            "dicom_group_by" => {
                let items = self
                    .refusals
                    .take(node.items(key))
                    .unwrap_or_default();
                for item in items {
                    let field = item.text(key).and_then(|name| {
                        HeaderField::parse(name).map_err(|refusal| {
                            Refusal {
                                message: refusal
                                    .message
                                    .replace("is no source", "is no DICOM field"),
                                ..refusal
                            }
                            .at(item.position)
                        })
                    });
                    let field = self.refusals.take(field);
                    self.rule
                        .dicom_group_by
                        .extend(field);
                }
            }
            "dicom_instance_name" => {
                let template = node.text(key).and_then(|text| {
                    let template = ValueTemplate::parse(text, scope)
                        .map_err(|error| error.at(node.position))?;
                    if template.reads_temporaries() {
                        Err(node.refuse("temporaries of mappings end with the mappings"))
                    } else {
                        Ok(template)
                    }
                });
                self.rule.dicom_instance_name = self.refusals.take(template);
            }
            _ => self.rule.dicom_split_localizer = self.refusals.take(node.flag(key)),
        }
    }
}

/// A constant of a rule file; none where it is empty or null.
fn value_of(node: &Node) -> Result<Option<Value>, Refusal> {
    Ok(Some(match &node.kind {
        NodeKind::Null => return Ok(None),
        NodeKind::Text(text) if text.is_empty() => return Ok(None),
        NodeKind::Bool(flag) => Value::Bool(*flag),
        NodeKind::Integer(number) => Value::Integer(*number),
        NodeKind::Float(number) => Value::Float(*number),
        NodeKind::Text(text) => Value::text(text),
        NodeKind::List(items) => Value::List(
            items
                .iter()
                .map(|item| Ok(value_of(item)?.unwrap_or(Value::Null)))
                .collect::<Result<_, Refusal>>()?,
        ),
        NodeKind::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| {
                    let value = value_of(&entry.value)?.unwrap_or(Value::Null);
                    Ok((entry.key.clone(), value))
                })
                .collect::<Result<_, Refusal>>()?,
        ),
        NodeKind::Unquoted(what) => {
            return Err(node
                .refuse(format!("a value is {what}"))
                .with_hint("put it in quotes"));
        }
    }))
}

/// Why a constant is none for a field.
fn unfit(key: &str, target: &Target, value: Option<&Value>) -> Option<Refusal> {
    let name = target.name();
    let Some(value) = value else {
        return (key == "defaults").then(|| {
            Refusal::new(format!(
                "the default of `{name}` is empty and has no effect"
            ))
        });
    };
    let text = value.as_text();
    if target.wants_text() && text.is_none() {
        return Some(
            Refusal::new(format!("`{name}` is text, and the value is none"))
                .with_hint("put it in quotes: YAML reads 007 as 7"),
        );
    }
    let lists = target.wants_list() && !matches!(value, Value::List(_)) && text.is_none();
    let nested = matches!(value, Value::List(_) | Value::Object(_))
        && !target.is_info()
        && !target.wants_list();
    (lists || nested).then(|| Refusal::new(format!("the value is none that `{name}` can hold")))
}
