//! A table as lines of cells, from CSV, TSV or a workbook (.xlsx).
//!
//! Owns encodings, separators and what a cell may be: text, as it stands. A cell whose text a
//! spreadsheet made or may have changed is refused with its line, never guessed at.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::{fmt, fs, io};

use calamine::{DataRef, Reader, Xlsx, XlsxError};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::fault::Fault;
use super::harmless;

/// The longest table, in bytes of its file.
const MAX_BYTES: u64 = 64 << 20;
/// The most columns, of which few tables have ten.
const MAX_COLUMNS: u32 = 256;
/// Whole numbers up to here are exact in a workbook, which has no others.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The text of a cell without the blanks around it, or what is wrong with it.
pub type Cell = Result<String, &'static str>;

/// A line of a table: neither blank nor a comment.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1, as editors and spreadsheets count.
    pub number: u32,
    /// Its cells.
    pub cells: Vec<Cell>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({})", self.number)
    }
}

/// What kind of file a table is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text {
        /// What separates cells where the text does not show it.
        usual: u8,
    },
    Workbook,
}

impl Kind {
    fn of(path: &Path) -> Result<Self, &'static str> {
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .map(str::to_lowercase);
        match extension.as_deref() {
            Some("csv") => Ok(Self::Text { usual: b',' }),
            Some("tsv") => Ok(Self::Text { usual: b'\t' }),
            Some("xlsx") => Ok(Self::Workbook),
            _ => Err("its name has to end with .csv, .tsv or .xlsx"),
        }
    }
}

/// Reads the file of a table.
///
/// # Errors
/// A file that cannot be read, or that is too large.
pub fn load(path: &Path) -> Result<Vec<u8>, Vec<Fault>> {
    let whole = |what: String| vec![Fault::whole(what)];
    Kind::of(path).map_err(|what| whole(what.to_owned()))?;
    let metadata = fs::metadata(path).map_err(|error| whole(error.to_string()))?;
    if !metadata.is_file() {
        return Err(whole("it is no file".to_owned()));
    }
    check_length(metadata.len())?;
    fs::read(path).map_err(|error| whole(error.to_string()))
}

fn check_length(len: u64) -> Result<(), Vec<Fault>> {
    if len > MAX_BYTES {
        let what = format!("it has more than {} MiB", MAX_BYTES >> 20);
        return Err(vec![Fault::whole(what)]);
    }
    Ok(())
}

/// The lines of a table that hold something, of the bytes of its file.
///
/// # Errors
/// What is no table.
pub fn lines(path: &Path, bytes: Vec<u8>) -> Result<Vec<Line>, Vec<Fault>> {
    check_length(bytes.len() as u64)?;
    let lines = match Kind::of(path).map_err(|what| vec![Fault::whole(what)])? {
        Kind::Workbook => of_workbook(bytes)?,
        Kind::Text { usual } => of_text(&decoded(&bytes)?, usual)?,
    };
    if lines.is_empty() {
        return Err(vec![Fault::whole("it has no line with anything in it")]);
    }
    Ok(lines)
}

/// How the cells of a text stand in it, for rows behind its last one.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    separator: u8,
    terminator: csv::Terminator,
}

impl Dialect {
    /// Of the file of a table.
    ///
    /// # Errors
    /// A file to which no rows can be added.
    pub fn of(path: &Path, bytes: &[u8]) -> Result<Self, &'static str> {
        let Ok(Kind::Text { usual }) = Kind::of(path) else {
            return Err("rows can only be added to text: save it as .csv or .tsv");
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err("rows can only be added to UTF-8: save it as CSV UTF-8");
        };
        let terminator = if text.contains("\r\n") {
            csv::Terminator::CRLF
        } else {
            csv::Terminator::Any(b'\n')
        };
        Ok(Self {
            separator: separator(&in_lines(text), usual),
            terminator,
        })
    }

    /// How many lines there are.
    pub fn count(bytes: &[u8]) -> u32 {
        let text = String::from_utf8_lossy(bytes);
        line_number(in_lines(&text).lines().count())
    }

    /// The bytes with rows behind them.
    ///
    /// # Errors
    /// None that a vector gives.
    pub fn with_rows<R, C>(
        self,
        bytes: &[u8],
        rows: impl IntoIterator<Item = R>,
    ) -> io::Result<Vec<u8>>
    where
        R: IntoIterator<Item = C>,
        C: AsRef<[u8]>,
    {
        let mut whole = bytes.to_vec();
        if !matches!(whole.last(), None | Some(b'\n' | b'\r')) {
            let end: &[u8] = match self.terminator {
                csv::Terminator::CRLF => b"\r\n",
                _ => b"\n",
            };
            whole.extend_from_slice(end);
        }
        let mut writer = csv::WriterBuilder::new()
            .delimiter(self.separator)
            .terminator(self.terminator)
            .from_writer(whole);
        for row in rows {
            writer.write_record(row)?;
        }
        writer
            .into_inner()
            .map_err(|error| io::Error::other(error.error().to_string()))
    }
}

/// The text, by its byte order mark or as UTF-8; UTF-16 without a mark shows in the zeros of its
/// ASCII letters.
fn decoded(bytes: &[u8]) -> Result<String, Vec<Fault>> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => match bytes {
            [0, _, ..] => UTF_16BE,
            [_, 0, ..] => UTF_16LE,
            _ => UTF_8,
        },
    };
    let (text, encoding, malformed) = encoding.decode(bytes);
    if malformed {
        // What replaces it may stand there of itself; it says where to look all the same.
        let line = text
            .lines()
            .position(|line| line.contains('\u{FFFD}'))
            .map_or(1, |at| line_number(at + 1));
        let what = format!(
            "the text is not {}; save the table as CSV UTF-8",
            encoding.name()
        );
        return Err(vec![Fault::at(line, what)]);
    }
    if text.contains('\0') {
        return Err(vec![Fault::whole(
            "it holds NUL characters, as no text does",
        )]);
    }
    Ok(in_lines(&text))
}

/// The text with lines that end as those of most systems do.
fn in_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
}

fn line_number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn of_text(text: &str, usual: u8) -> Result<Vec<Line>, Vec<Fault>> {
    let stated = stated_separator(text).is_some();
    let separator = separator(text, usual);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    let (mut counted_to, mut counted) = (0, 1);
    for record in reader.records() {
        let record = record.map_err(|_| vec![Fault::whole("it is no CSV")])?;
        let begin = record
            .position()
            .map_or(0, |position| {
                usize::try_from(position.byte()).unwrap_or(usize::MAX)
            });
        // Blank lines and comments before a record count as its beginning.
        let begin = begin
            + passed_over(
                text.get(begin..)
                    .unwrap_or_default(),
            );
        counted += text
            .get(counted_to..begin)
            .map_or(0, |passed| passed.matches('\n').count());
        counted_to = begin.max(counted_to);
        let number = line_number(counted);
        if stated && number == 1 {
            continue;
        }
        if record
            .iter()
            .any(|cell| cell.contains('\n'))
        {
            faults.push(Fault::at(
                number,
                "a cell goes on in the next line; a quotation mark may be missing",
            ));
            continue;
        }
        lines.extend(line(
            number,
            record
                .iter()
                .map(of_text_cell)
                .collect(),
        ));
    }
    if faults.is_empty() {
        Ok(lines)
    } else {
        Err(faults)
    }
}

/// Bytes of blank lines and comments that a text begins with.
fn passed_over(text: &str) -> usize {
    text.split_inclusive('\n')
        .take_while(|line| *line == "\n" || line.starts_with('#'))
        .map(str::len)
        .sum()
}

/// That of Excel's own first line, which says the separator.
fn stated_separator(text: &str) -> Option<u8> {
    text.trim_start_matches('\u{FEFF}')
        .lines()
        .next()
        .and_then(|first| first.strip_prefix("sep="))
        .and_then(|separator| separator.bytes().next())
}

/// What is stated, or stands most often in the first line outside of quotation marks.
fn separator(text: &str, usual: u8) -> u8 {
    if let Some(stated) = stated_separator(text) {
        return stated;
    }
    let first = text
        .get(passed_over(text)..)
        .and_then(|text| {
            text.lines()
                .find(|line| !line.trim().is_empty())
        })
        .unwrap_or_default();
    let outside: String = first
        .split('"')
        .step_by(2)
        .collect();
    let count = |separator: u8| {
        outside
            .bytes()
            .filter(|byte| *byte == separator)
            .count()
    };
    // Of equals the last one counts.
    [b';', b'\t', b',', usual]
        .into_iter()
        .max_by_key(|separator| count(*separator))
        .unwrap_or(usual)
}

/// A line, unless it is blank or a comment.
fn line(number: u32, cells: Vec<Cell>) -> Option<Line> {
    let is_blank = cells.iter().all(|cell| {
        cell.as_ref()
            .is_ok_and(String::is_empty)
    });
    let is_comment = cells
        .iter()
        .flatten()
        .find(|text| !text.is_empty())
        .is_some_and(|text| text.starts_with('#'));
    (!is_blank && !is_comment).then_some(Line { number, cells })
}

fn of_text_cell(cell: &str) -> Cell {
    let cell = cell.trim();
    if harmless::is_formula(cell) {
        return Err("holds a formula: write its value");
    }
    if is_shortened(cell) {
        return Err(
            "holds a number that a spreadsheet has shortened (as in 1.2E+11): write all its digits",
        );
    }
    Ok(harmless::read(cell).to_owned())
}

/// Whether it is a number of which a spreadsheet left out digits.
fn is_shortened(cell: &str) -> bool {
    let Some((number, exponent)) = cell.split_once("E+") else {
        return false;
    };
    let digits = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit())
    };
    let (whole, fraction) = number
        .split_once(['.', ','])
        .unwrap_or((number, "0"));
    digits(exponent) && digits(whole) && digits(fraction)
}

fn of_workbook(bytes: Vec<u8>) -> Result<Vec<Line>, Vec<Fault>> {
    read_workbook(bytes).map_err(|unread| {
        vec![match unread {
            Unread::Library(_) => Fault::whole(
                "it cannot be read as a workbook: it is damaged, encrypted or of another format",
            ),
            Unread::Fault(fault) => fault,
        }]
    })
}

/// Why a workbook was not read.
enum Unread {
    /// What the library says, which may hold text of the workbook and is not told.
    Library(#[expect(dead_code, reason = "it says that there was an error")] XlsxError),
    Fault(Fault),
}

impl From<XlsxError> for Unread {
    fn from(error: XlsxError) -> Self {
        Self::Library(error)
    }
}

/// The first sheet of a workbook. It is read cell by cell: how far a sheet claims to reach decides
/// nothing.
fn read_workbook(bytes: Vec<u8>) -> Result<Vec<Line>, Unread> {
    let mut workbook = Xlsx::new(Cursor::new(bytes))?;
    let first = workbook
        .sheet_names()
        .into_iter()
        .next()
        .ok_or_else(|| Unread::Fault(Fault::whole("the workbook has no sheet")))?;
    let mut cells = workbook.worksheet_cells_reader(&first)?;
    let mut rows: BTreeMap<u32, BTreeMap<u32, Cell>> = BTreeMap::new();
    while let Some(cell) = cells.next_cell_with_formula_metadata()? {
        let (row, column) = cell.pos;
        let number = row.saturating_add(1);
        let text = if cell.formula.is_some() {
            Err("holds a formula: write its value")
        } else {
            of_workbook_cell(&cell.value)
        };
        if text
            .as_ref()
            .is_ok_and(String::is_empty)
        {
            continue;
        }
        if column >= MAX_COLUMNS {
            let what = format!("it has more than {MAX_COLUMNS} columns");
            return Err(Unread::Fault(Fault::at(number, what)));
        }
        rows.entry(number)
            .or_default()
            .insert(column, text);
    }
    Ok(in_columns(rows))
}

/// Lines as wide as the first one, or as far as they reach where that is further.
fn in_columns(rows: BTreeMap<u32, BTreeMap<u32, Cell>>) -> Vec<Line> {
    let mut width = 0;
    let mut lines = Vec::new();
    for (number, mut cells) in rows {
        let reach = cells
            .last_key_value()
            .map_or(0, |(column, _)| column + 1);
        let all = (0..reach.max(width))
            .map(|column| {
                cells
                    .remove(&column)
                    .unwrap_or_else(|| Ok(String::new()))
            })
            .collect();
        if let Some(line) = line(number, all) {
            if lines.is_empty() {
                width = reach;
            }
            lines.push(line);
        }
    }
    lines
}

fn of_workbook_cell(value: &DataRef<'_>) -> Cell {
    let text = |text: &str| {
        let text = text.trim();
        if text.contains(['\n', '\r']) {
            return Err("holds a line break");
        }
        Ok(harmless::read(text).to_owned())
    };
    match value {
        DataRef::Empty => Ok(String::new()),
        DataRef::String(value) => text(value),
        DataRef::SharedString(value) => text(value),
        DataRef::Int(number) => Ok(number.to_string()),
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < MAX_EXACT => {
            Ok(format!("{number:.0}"))
        }
        DataRef::Float(_) => {
            Err("holds a number that is not whole or too long: format the cell as text")
        }
        DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => {
            Err("holds a date, of which the workbook keeps no text: format the cell as text")
        }
        DataRef::Bool(_) => Err("holds a truth value: format the cell as text"),
        DataRef::Error(_) => Err("holds an error of the spreadsheet"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// Numbers and cells, cells that are wrong as `!`.
    fn lines(text: &str) -> Vec<(u32, String)> {
        let lines = of_text(&decoded(text.as_bytes()).unwrap(), b',').unwrap();
        let cell = |cell: Cell| cell.unwrap_or_else(|_| "!".to_owned());
        lines
            .into_iter()
            .map(|line| {
                let cells: Vec<_> = line
                    .cells
                    .into_iter()
                    .map(cell)
                    .collect();
                (line.number, cells.join("|"))
            })
            .collect()
    }

    fn one(number: u32, cells: &str) -> (u32, String) {
        (number, cells.to_owned())
    }

    #[test]
    fn blank_lines_and_comments_are_passed_over_and_counted() {
        let text =
            "# a \"comment\n\npatient_id,subject\r\n,,\n#x\n\n 007 ,\"S, 1\"\n\"#8\",S8\n9,S9";
        assert_eq!(
            lines(text),
            [
                one(3, "patient_id|subject"),
                one(7, "007|S, 1"),
                one(9, "9|S9")
            ]
        );
    }

    #[test]
    fn the_first_line_says_the_separator() {
        for text in ["a;b\n1,5;2", "a\tb\n1,5\t2", "\"x,y,z\";b\n1,5;2"] {
            assert_eq!(lines(text)[1], one(2, "1,5|2"), "{text}");
        }
        assert_eq!(lines("sep=;\na,x;b\n1;2")[1], one(3, "1|2"));
        assert_eq!(lines("\n# ;;;\na,b\n1;5,2")[1], one(4, "1;5|2"));
    }

    #[test]
    fn encodings_are_told_by_mark_and_by_zeros() {
        let text = "patient_id,subject\nMüller,S1\n";
        let wide = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
            let mut all = mark.to_vec();
            all.extend(text.encode_utf16().flat_map(bytes));
            all
        };
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            wide(b"\xFF\xFE", u16::to_le_bytes),
            wide(b"\xFE\xFF", u16::to_be_bytes),
            wide(b"", u16::to_le_bytes),
            wide(b"", u16::to_be_bytes),
        ] {
            assert_eq!(decoded(&bytes).unwrap(), text);
        }
        let faults = decoded(b"a,b\nM\xFCller,S1\n").unwrap_err();
        assert_eq!(faults[0].lines, [2]);
        assert!(decoded(b"ab\0\0").is_err());
    }

    #[test]
    fn a_cell_is_text_as_it_stands_or_refused() {
        assert_eq!(lines("00123,-1,'=1,1E5"), [one(1, "00123|-1|=1|1E5")]);
        assert_eq!(lines("=\"00123\",1.23E+11,1E+05"), [one(1, "!|!|!")]);
        let faults = of_text("a,b\n\"1,2\n3,4\n", b',').unwrap_err();
        assert_eq!(faults[0].lines, [2]);
    }
}
