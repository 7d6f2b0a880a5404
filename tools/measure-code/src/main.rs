//! Counts the code of a Rust project, by crate: files, lines, tokens and tokens a line.
//!
//! Tests and comments do not count, and neither do blank lines: what stands under `#[cfg(test)]`,
//! in the file of a module declared under it, or in a folder other than `src`. A text is one token,
//! however long it is; so is each operator.
//!
//! `cargo run -p measure-code [-- FOLDER]`, or `just measure-code [FOLDER]`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Item};
use walkdir::WalkDir;

/// What was counted in one crate.
#[derive(Default)]
struct Count {
    files: usize,
    lines: usize,
    tokens: usize,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.lines += other.lines;
        self.tokens += other.tokens;
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of lines are far below 2^52"
    )]
    fn row(&self, name: &str) -> String {
        let density = self.tokens as f64 / self.lines.max(1) as f64;
        format!(
            "{name:<24} {:>6} {:>8} {:>9} {density:>8.2}",
            self.files, self.lines, self.tokens
        )
    }
}

fn main() -> io::Result<()> {
    let folder = PathBuf::from(
        env::args_os()
            .nth(1)
            .unwrap_or_else(|| ".".into()),
    );
    println!(
        "{:<24} {:>6} {:>8} {:>9} {:>8}",
        "crate", "files", "lines", "tokens", "a line"
    );
    let mut total = Count::default();
    for (name, source) in crates(&folder) {
        let count = count_crate(&source)?;
        println!("{}", count.row(&name));
        total.add(&count);
    }
    println!("{}", total.row("all"));
    Ok(())
}

/// The `src` folder of each package below `folder`, by the name of the package's folder.
fn crates(folder: &Path) -> BTreeMap<String, PathBuf> {
    let skipped = |name: &str| name == "target" || (name.len() > 1 && name.starts_with('.'));
    WalkDir::new(folder)
        .into_iter()
        .filter_entry(|entry| {
            !entry
                .file_name()
                .to_str()
                .is_some_and(skipped)
        })
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name() == "Cargo.toml")
        .filter_map(|manifest| {
            let package = manifest.path().parent()?;
            let source = package.join("src");
            let name = package
                .strip_prefix(folder)
                .ok()?
                .display()
                .to_string();
            let name = if name.is_empty() {
                ".".to_owned()
            } else {
                name
            };
            source
                .is_dir()
                .then_some((name, source))
        })
        .collect()
}

fn count_crate(source: &Path) -> io::Result<Count> {
    let mut parsed = BTreeMap::new();
    let mut tests = BTreeSet::new();
    for entry in WalkDir::new(source)
        .into_iter()
        .filter_map(Result::ok)
    {
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "rs")
        {
            let file = syn::parse_file(&fs::read_to_string(path)?)
                .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
            find_test_modules(&file.items, &folder_of_children(path), &mut tests);
            parsed.insert(path.to_owned(), file);
        }
    }
    let mut count = Count::default();
    for (path, mut file) in parsed {
        if tests
            .iter()
            .any(|test| path.starts_with(test) || path == test.with_extension("rs"))
        {
            continue;
        }
        remove_tests(&mut file.items);
        let mut lines = BTreeSet::new();
        count.tokens += count_tokens(file.to_token_stream(), &mut lines);
        count.lines += lines.len();
        count.files += 1;
    }
    Ok(count)
}

/// Where the files of a file's modules lie.
fn folder_of_children(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    match path.parent() {
        Some(parent)
            if ["mod", "lib", "main"]
                .iter()
                .any(|name| stem == *name) =>
        {
            parent.to_owned()
        }
        _ => path.with_extension(""),
    }
}

/// Adds the path, without an extension, of each module that exists in tests alone.
fn find_test_modules(items: &[Item], folder: &Path, tests: &mut BTreeSet<PathBuf>) {
    for item in items {
        if let Item::Mod(module) = item {
            let inside = folder.join(module.ident.to_string());
            if is_for_tests(&module.attrs) {
                tests.insert(inside);
            } else if let Some((_, items)) = &module.content {
                find_test_modules(items, &inside, tests);
            }
        }
    }
}

fn remove_tests(items: &mut Vec<Item>) {
    items.retain(|item| !is_for_tests(attributes(item)));
    for item in items {
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    remove_tests(items);
                }
            }
            Item::Impl(block) => block
                .items
                .retain(|item| match item {
                    syn::ImplItem::Fn(function) => !is_for_tests(&function.attrs),
                    _ => true,
                }),
            _ => {}
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute
            .meta
            .to_token_stream()
            .to_string();
        text == "test"
            || (text.starts_with("cfg") && text.contains("test") && !text.contains("not"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Counts tokens, comments left out, and notes on which lines they stand.
fn count_tokens(stream: TokenStream, lines: &mut BTreeSet<usize>) -> usize {
    let mut count = 0;
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_documentation(&token, tokens.peek()) {
            if matches!(tokens.next(), Some(TokenTree::Punct(_))) {
                tokens.next();
            }
            continue;
        }
        let span = token.span();
        lines.insert(span.start().line);
        lines.insert(span.end().line);
        count += match token {
            TokenTree::Group(group) => 2 + count_tokens(group.stream(), lines),
            TokenTree::Punct(mark) if mark.spacing() == Spacing::Joint => 0,
            _ => 1,
        };
    }
    count
}

/// Whether `#` and what follows it is a comment: `#[doc = ..]`, or the same with `!`.
fn is_documentation(token: &TokenTree, next: Option<&TokenTree>) -> bool {
    let starts = matches!(token, TokenTree::Punct(mark) if mark.as_char() == '#');
    starts
        && match next {
            Some(TokenTree::Group(group)) => group
                .stream()
                .to_string()
                .starts_with("doc ="),
            // Only inner attributes are written `#!`; code has none but those at the top.
            Some(TokenTree::Punct(mark)) => {
                mark.as_char() == '!' && mark.spacing() == Spacing::Alone
            }
            _ => false,
        }
}
