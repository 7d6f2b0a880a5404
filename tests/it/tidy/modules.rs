//! The modules of a crate and which of them import which, read from its syntax.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree};

/// A path of names from the root of a crate; the root itself is empty.
pub type ModulePath = Vec<String>;

/// One crate: its modules, without those for tests, and what each names of the others.
#[derive(Default)]
pub struct Crate {
    modules: BTreeSet<ModulePath>,
    /// What a module gives out under its own name, and whose it is.
    exports: BTreeMap<(ModulePath, String), ModulePath>,
    named: Vec<(ModulePath, ModulePath)>,
}

impl Crate {
    /// Reads a crate from its root file, `src/lib.rs` or `src/main.rs`.
    pub fn read(root: &Path) -> Self {
        let mut read = Self::default();
        read.file(root, root.parent().unwrap(), &Vec::new());
        read.find_exports();
        read
    }

    fn file(&mut self, file: &Path, children: &Path, at: &ModulePath) {
        let text = fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.items(&parsed.items, children, at);
    }

    fn items(&mut self, items: &[Item], children: &Path, at: &ModulePath) {
        self.modules.insert(at.clone());
        let mut names = Names {
            at,
            found: Vec::new(),
        };
        for item in items {
            match item {
                Item::Mod(module) if is_for_tests(&module.attrs) => {}
                Item::Mod(module) => self.module(module, children, at),
                item => names.visit_item(item),
            }
        }
        let found = names.found;
        self.named.extend(
            found
                .into_iter()
                .map(|name| (at.clone(), name)),
        );
    }

    fn module(&mut self, module: &ItemMod, children: &Path, parent: &ModulePath) {
        let name = module.ident.to_string();
        let at: ModulePath = parent
            .iter()
            .cloned()
            .chain([name.clone()])
            .collect();
        let folder = children.join(&name);
        match &module.content {
            Some((_, items)) => self.items(items, &folder, &at),
            None => self.file(&folder.with_extension("rs"), &folder, &at),
        }
    }

    /// What a parent gives out of its children is its children's.
    fn find_exports(&mut self) {
        for (at, path) in &self.named {
            let Some((name, module)) = path.split_last() else {
                continue;
            };
            if module.len() > at.len() && module.starts_with(at) && self.modules.contains(module) {
                self.exports
                    .insert((at.clone(), name.clone()), module.to_vec());
            }
        }
    }

    /// The module that a path leads into.
    fn target(&self, path: &[String]) -> Option<ModulePath> {
        let known = (0..=path.len())
            .rev()
            .find(|end| self.modules.contains(&path[..*end]))?;
        let module = path[..known].to_vec();
        let exported = path.get(known).and_then(|name| {
            self.exports
                .get(&(module.clone(), name.clone()))
        });
        Some(exported.cloned().unwrap_or(module))
    }

    /// The modules that name another crate.
    pub fn modules_that_name<'a>(&'a self, krate: &'a str) -> impl Iterator<Item = &'a ModulePath> {
        let named = self.named.iter();
        named
            .filter(move |(at, path)| {
                path.get(at.len())
                    .is_some_and(|name| name == krate)
            })
            .map(|(at, _)| at)
    }

    /// Circles among the children of one module, each child with all that is below it: what is
    /// imported in a round. A parent and its own children may import each other.
    pub fn circles(&self) -> Vec<String> {
        let mut arrows: BTreeMap<(ModulePath, String), BTreeSet<String>> = BTreeMap::new();
        for (from, path) in &self.named {
            let Some(to) = self.target(path) else {
                continue;
            };
            let common = from
                .iter()
                .zip(&to)
                .take_while(|(a, b)| a == b)
                .count();
            if let (Some(a), Some(b)) = (from.get(common), to.get(common)) {
                let key = (from[..common].to_vec(), a.clone());
                arrows
                    .entry(key)
                    .or_default()
                    .insert(b.clone());
            }
        }
        let mut circles = BTreeSet::new();
        for (parent, start) in arrows.keys() {
            if let Some(round) = round_trip(&arrows, parent, start) {
                let smallest = round.iter().min().unwrap();
                if smallest == start {
                    circles.insert(format!("{}: {}", parent.join("::"), round.join(" -> ")));
                }
            }
        }
        circles.into_iter().collect()
    }
}

/// The shortest way along the arrows from a module back to itself.
fn round_trip(
    arrows: &BTreeMap<(ModulePath, String), BTreeSet<String>>,
    parent: &ModulePath,
    start: &String,
) -> Option<Vec<String>> {
    let mut ways = std::collections::VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let last = way.last()?.clone();
        for next in arrows
            .get(&(parent.clone(), last))
            .into_iter()
            .flatten()
        {
            if next == start {
                return Some(way);
            }
            if seen.insert(next.clone()) {
                ways.push_back(
                    way.iter()
                        .cloned()
                        .chain([next.clone()])
                        .collect(),
                );
            }
        }
    }
    None
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|condition| condition == "test")
    })
}

/// Collects the paths that a module names, from the root of the crate on.
struct Names<'a> {
    at: &'a ModulePath,
    found: Vec<ModulePath>,
}

impl Names<'_> {
    fn add(&mut self, path: Vec<String>) {
        let mut names = path.into_iter().peekable();
        let mut full = match names.next().as_deref() {
            Some("crate") => Vec::new(),
            Some("self") => self.at.clone(),
            Some("super") => self.at[..self.at.len().saturating_sub(1)].to_vec(),
            // Of another crate, or of this module itself.
            Some(other) => self
                .at
                .iter()
                .cloned()
                .chain([other.to_owned()])
                .collect(),
            None => return,
        };
        for name in names {
            if name == "super" {
                full.pop();
            } else {
                full.push(name);
            }
        }
        self.found.push(full);
    }

    fn tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            UseTree::Name(name) if name.ident == "self" => self.add(before.to_vec()),
            UseTree::Name(name) => self.add(with(&name.ident)),
            UseTree::Rename(name) => self.add(with(&name.ident)),
            UseTree::Glob(_) => self.add(before.to_vec()),
            UseTree::Group(group) => group
                .items
                .iter()
                .for_each(|tree| self.tree(tree, before)),
        }
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.add(
                path.segments
                    .iter()
                    .map(|segment| segment.ident.to_string())
                    .collect(),
            );
        }
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}
