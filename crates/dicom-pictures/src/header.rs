//! The elements of an instance as lines of text.
//!
//! Owns how values become text that is safe to show, and how much of them. It decodes no more of a
//! value than it shows, but for texts of usual length, and leaves out no element in silence.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Instance, PixelElement, Tag, VR, Value,
    character_set_of, escape_for_terminal, text, values,
};

/// What begins an item (PS3.5 section 7.5).
const ITEM: Tag = Tag(0xFFFE, 0xE000);
/// The longest value in bytes that is decoded whole to be counted.
const COUNTED: usize = 1 << 20;
/// The bytes of bulk data that are shown.
const BULK: usize = 16;

/// A data element as a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderLine {
    /// How many sequences and items it lies in.
    pub depth: usize,
    /// Its tag; that of an item where it begins one.
    pub tag: Tag,
    /// Its keyword, where the standard's dictionary knows one.
    pub keyword: Option<&'static str>,
    /// The two letters of its VR; none where it begins an item, or says how many lines are left
    /// out.
    pub vr: &'static str,
    /// Its value as text: control characters and those that turn the direction of writing escaped,
    /// long ones cut.
    pub value: String,
}

/// The elements of an instance in their order, values cut to a number of characters. Of more than
/// `most` lines, the rest is counted in one more line.
pub fn header_lines(instance: &Instance, longest: usize, most: usize) -> Vec<HeaderLine> {
    let mut lines = Lines {
        shown: Vec::new(),
        longest,
        most,
        left_out: 0,
    };
    let syntax = &instance.syntax;
    lines.push(0, tags::TRANSFER_SYNTAX_UID, "UI", || syntax.uid.clone());
    let outermost = character_set_of(&instance.header, &CharacterSet::default());
    lines.data_set(&instance.header, 0, syntax.encoding, &outermost);
    if let Some(pixels) = &instance.pixels {
        lines.push(0, pixels.tag, pixels.vr.to_string(), || of_pixels(pixels));
    }
    lines.data_set(&instance.tail, 0, syntax.encoding, &outermost);
    lines.finish()
}

/// Lines as long as there is room for them.
struct Lines {
    shown: Vec<HeaderLine>,
    longest: usize,
    most: usize,
    left_out: u64,
}

impl Lines {
    fn push(&mut self, depth: usize, tag: Tag, vr: &'static str, value: impl FnOnce() -> String) {
        if self.shown.len() >= self.most {
            self.left_out += 1;
            return;
        }
        let entry = StandardDataDictionary.by_tag(tag);
        self.shown.push(HeaderLine {
            depth,
            tag,
            keyword: entry.map(DataDictionaryEntry::alias),
            vr,
            value: escape_for_terminal(&value()),
        });
    }

    fn data_set(&mut self, data: &DataSet, depth: usize, encoding: Encoding, set: &CharacterSet) {
        for element in data {
            let longest = self.longest;
            self.push(depth, element.tag, element.vr.to_string(), || {
                value(element, encoding, set, longest)
            });
            let Some(sequence) = element.items() else {
                continue;
            };
            for (number, item) in sequence.items.iter().enumerate() {
                let title = || format!("item {}", number + 1);
                self.push(depth + 1, ITEM, "", title);
                let of_item = character_set_of(&item.data, set);
                self.data_set(&item.data, depth + 2, sequence.encoding, &of_item);
            }
        }
    }

    fn finish(mut self) -> Vec<HeaderLine> {
        if self.left_out > 0 {
            let elements = if self.left_out == 1 {
                "element or item"
            } else {
                "elements and items"
            };
            self.shown.push(HeaderLine {
                depth: 0,
                tag: Tag(0xFFFF, 0xFFFF),
                keyword: None,
                vr: "",
                value: format!("... and {} more {elements}", grouped(self.left_out)),
            });
        }
        self.shown
    }
}

fn value(element: &Element, encoding: Encoding, set: &CharacterSet, longest: usize) -> String {
    match &element.value {
        Value::Items(sequence) => match sequence.items.len() {
            1 => "1 item".to_owned(),
            items => format!("{} items", grouped(items as u64)),
        },
        Value::Fragments(bytes) => format!("({} bytes, compressed)", grouped(bytes.len() as u64)),
        Value::Bytes(bytes) if is_bulk(element.vr) => bulk(bytes),
        Value::Bytes(bytes) if is_number(element.vr) => numbers(element, bytes, encoding, longest),
        Value::Bytes(bytes) => texts(element, bytes, encoding, set, longest),
    }
}

fn texts(
    element: &Element,
    bytes: &[u8],
    encoding: Encoding,
    set: &CharacterSet,
    longest: usize,
) -> String {
    if let Some(part) = bytes.get(..COUNTED) {
        let part = Element::new(element.tag, element.vr, part.to_vec());
        let shown = text(&part, encoding, set).unwrap_or_default();
        let (shown, _) = cut(&shown, longest);
        return format!("{shown}... ({} bytes)", grouped(bytes.len() as u64));
    }
    let whole = text(element, encoding, set).unwrap_or_default();
    match cut(&whole, longest) {
        (_, false) => whole,
        (shown, true) => {
            let characters = whole.chars().count() as u64;
            format!("{shown}... ({} characters)", grouped(characters))
        }
    }
}

/// Numbers joined by backslashes, of which no more are decoded than have room.
fn numbers(element: &Element, bytes: &[u8], encoding: Encoding, longest: usize) -> String {
    let width = match element.vr {
        VR::SS | VR::US => 2,
        VR::FD | VR::SV | VR::UV => 8,
        _ => 4,
    };
    // A number takes a character and a backslash at least.
    let room = (longest / 2 + 1).saturating_mul(width);
    let count = (bytes.len() / width) as u64;
    let decoded = |bytes: &[u8]| {
        let part = Element::new(element.tag, element.vr, bytes.to_vec());
        values(&part, encoding, &CharacterSet::default()).join("\\")
    };
    let all = decoded(bytes.get(..room).unwrap_or(bytes));
    match cut(&all, longest) {
        (_, false) if bytes.len() <= room => all,
        (shown, _) => format!("{shown}... ({} values)", grouped(count)),
    }
}

/// The first bytes of bulk data.
fn bulk(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = bytes
        .iter()
        .take(BULK)
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let shown = shown.join(" ");
    if bytes.len() <= BULK {
        shown
    } else {
        format!("{shown}... ({} bytes)", grouped(bytes.len() as u64))
    }
}

fn of_pixels(pixels: &PixelElement) -> String {
    let length = grouped(
        pixels
            .value
            .end
            .saturating_sub(pixels.value.start),
    );
    if pixels.encapsulated {
        format!("({length} bytes, compressed)")
    } else {
        format!("({length} bytes)")
    }
}

/// The first characters of a text, and whether there are more.
fn cut(text: &str, longest: usize) -> (&str, bool) {
    match text.char_indices().nth(longest) {
        Some((end, _)) => (text.get(..end).unwrap_or_default(), true),
        None => (text, false),
    }
}

fn is_bulk(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::SQ
    )
}

fn is_number(vr: VR) -> bool {
    matches!(
        vr,
        VR::AT | VR::FD | VR::FL | VR::SL | VR::SS | VR::SV | VR::UL | VR::US | VR::UV
    )
}

/// A number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
