//! The walker: one pass over the bytes of a data set, reporting to a [`Visitor`] what it meets.
//!
//! Owns the syntax of PS3.5 section 7 and every check of a claimed length. It works on an explicit
//! stack, never recurses, and never allocates by a length that a file claims. It builds nothing
//! itself.

use super::dataset::{Encoding, LengthForm};
use super::error::Halt;
use super::visit::{
    End, Field, Fragment, ITEM, ITEM_END, Opening, Part, PixelHeader, SEQUENCE_END, UNDEFINED,
    Visitor, fragment, is_pixel_data,
};
use super::vr;
use super::{Limits, Tag, VR};
use crate::error::FileErrorKind;

struct Level {
    /// `None`: a data set (outermost or an item's). Otherwise a sequence.
    sequence: Option<SequenceLevel>,
    /// Where it ends, or must have ended.
    end: usize,
    /// A delimiter ends it; otherwise its length does.
    delimited: bool,
    encoding: Encoding,
    last: Tag,
    disordered: bool,
    tags_from: usize,
}

#[derive(Clone, Copy)]
struct SequenceLevel {
    field: Field,
    /// For a UN value opened on trial, where the value lies.
    trial: Option<(usize, usize)>,
}

/// A walk over one data set.
pub struct Walk<'a> {
    buffer: &'a [u8],
    at: usize,
    /// End of the data set; the buffer may end before.
    total: usize,
    /// Where the header limit is reached.
    cap: usize,
    depth: usize,
    part: Part,
    levels: Vec<Level>,
    tags: Vec<Tag>,
    nodes: usize,
    /// Bytes of long texts that may still come.
    text_left: usize,
    /// Whether a data set's elements were met out of ascending order.
    pub disorder: bool,
}

impl<'a> Walk<'a> {
    /// A walk over a data set that begins at `start` in the buffer and ends at `total`, beyond the
    /// buffer where more can be read.
    pub fn new(
        buffer: &'a [u8],
        start: usize,
        total: usize,
        encoding: Encoding,
        part: Part,
        limits: &Limits,
    ) -> Self {
        let header = usize::try_from(limits.header_bytes).unwrap_or(usize::MAX);
        let mut walk = Self {
            buffer,
            at: start,
            total,
            cap: start.saturating_add(header),
            depth: limits.depth,
            part,
            levels: Vec::with_capacity(16),
            tags: Vec::with_capacity(256),
            nodes: 0,
            text_left: header / Limits::TEXT_SHARE,
            disorder: false,
        };
        walk.push_level(None, total, false, encoding);
        walk
    }

    /// A walk over a buffer that holds a data set and nothing else.
    pub fn over(buffer: &'a [u8], encoding: Encoding, limits: &Limits) -> Self {
        Self::new(buffer, 0, buffer.len(), encoding, Part::Rest, limits)
    }

    /// Walks to the end, to the pixel data, or until the visitor has enough.
    pub fn run(&mut self, visitor: &mut impl Visitor) -> Result<End, Halt> {
        loop {
            let step = match self.levels.last() {
                Some(Level { sequence: None, .. }) => self.elements(visitor),
                Some(_) => self
                    .next_item(visitor)
                    .map(|()| None),
                None => return Ok(End::Data { trailing_zeros: 0 }),
            };
            match step {
                Ok(None) => {}
                Ok(Some(end)) => return Ok(end),
                Err(halt) => self.give_up_trial(halt, visitor)?,
            }
        }
    }

    /// After a fault inside a UN value opened on trial: the value is bytes after all. Otherwise the
    /// fault stands.
    fn give_up_trial(&mut self, halt: Halt, visitor: &mut impl Visitor) -> Result<(), Halt> {
        let Halt::Fault(fault) = halt else {
            return Err(halt);
        };
        if matches!(
            fault.kind,
            FileErrorKind::TooDeep | FileErrorKind::HeaderTooLarge | FileErrorKind::TooCostly
        ) {
            return Err(halt);
        }
        let trial_at = self.levels.iter().rposition(|l| {
            l.sequence
                .is_some_and(|s| s.trial.is_some())
        });
        let Some(trial_at) = trial_at else {
            return Err(self.as_trailing(halt));
        };
        let Some(level) = self.levels.get(trial_at) else {
            return Err(halt);
        };
        let Some(SequenceLevel {
            field,
            trial: Some((from, to)),
        }) = level.sequence
        else {
            return Err(halt);
        };
        self.tags.truncate(level.tags_from);
        self.levels.truncate(trial_at);
        visitor.take_back(trial_at / 2);
        visitor.value(&field, from..to)?;
        self.at = to;
        Ok(())
    }

    /// A fault at the outermost level at something that cannot follow what was read is data after
    /// the end.
    fn as_trailing(&self, halt: Halt) -> Halt {
        let Halt::Fault(mut fault) = halt else {
            return halt;
        };
        let first_of_tail = self.part == Part::Rest && self.nodes <= 1;
        let goes_back = self
            .levels
            .first()
            .is_some_and(|root| fault.tag < root.last && root.last != Tag(0, 0));
        let damaged = matches!(
            fault.kind,
            FileErrorKind::Truncated | FileErrorKind::Overrun | FileErrorKind::Malformed
        );
        if self.levels.len() == 1 && damaged && (first_of_tail || goes_back) {
            fault.kind = FileErrorKind::TrailingData;
        }
        Halt::Fault(fault)
    }

    fn push_level(
        &mut self,
        sequence: Option<SequenceLevel>,
        end: usize,
        delimited: bool,
        encoding: Encoding,
    ) {
        let tags_from = self.tags.len();
        self.levels.push(Level {
            sequence,
            end,
            delimited,
            encoding,
            last: Tag(0, 0),
            disordered: false,
            tags_from,
        });
    }

    /// The bytes `at..at+N`, which must end before `bound`.
    #[inline]
    fn bytes<const N: usize>(&self, at: usize, bound: usize, tag: Tag) -> Result<[u8; N], Halt> {
        let upto = at.saturating_add(N);
        if upto <= bound
            && upto <= self.cap
            && let Some(bytes) = self
                .buffer
                .get(at..)
                .and_then(<[u8]>::first_chunk::<N>)
        {
            return Ok(*bytes);
        }
        Err(self.lacking(upto, bound, tag))
    }

    /// Checks that everything up to `upto` is in the buffer and inside `bound`.
    #[inline]
    fn need(&self, upto: usize, bound: usize, tag: Tag) -> Result<(), Halt> {
        if upto <= bound && upto <= self.cap && upto <= self.buffer.len() {
            Ok(())
        } else {
            Err(self.lacking(upto, bound, tag))
        }
    }

    #[cold]
    fn lacking(&self, upto: usize, bound: usize, tag: Tag) -> Halt {
        if upto > bound {
            let code = if bound == self.total {
                FileErrorKind::Truncated
            } else {
                FileErrorKind::Overrun
            };
            Halt::new(code, tag, self.at, "")
        } else if upto > self.cap {
            Halt::new(FileErrorKind::HeaderTooLarge, tag, self.at, "")
        } else {
            Halt::More(upto)
        }
    }

    fn malformed(&self, tag: Tag, what: &'static str) -> Halt {
        Halt::new(FileErrorKind::Malformed, tag, self.at, what)
    }

    #[inline]
    fn count_node(&mut self, tag: Tag) -> Result<(), Halt> {
        self.nodes += 1;
        if self.nodes <= Limits::NODES {
            return Ok(());
        }
        Err(Halt::new(
            FileErrorKind::HeaderTooLarge,
            tag,
            self.at,
            "too many data elements",
        ))
    }

    /// Elements of the innermost data set until a sequence begins or the data set ends.
    fn elements(&mut self, visitor: &mut impl Visitor) -> Result<Option<End>, Halt> {
        let root = self.levels.len() == 1;
        let Some(level) = self.levels.last() else {
            return Ok(None);
        };
        let (end, delimited, encoding) = (level.end, level.delimited, level.encoding);
        loop {
            if self.at == end && !delimited {
                return self.close_data(visitor);
            }
            if root && let Some(trailing_zeros) = self.zeros_to_the_end(end)? {
                self.check_duplicates()?;
                return Ok(Some(End::Data { trailing_zeros }));
            }
            let first: [u8; 8] = self.bytes(self.at, end, self.last_tag())?;
            let [g0, g1, e0, e1, rest @ ..] = first;
            let tag = Tag(encoding.u16([g0, g1]), encoding.u16([e0, e1]));
            if tag.group() == 0xFFFE {
                return self.delimiter_in_data(tag, encoding.u32(rest), delimited, visitor);
            }
            let (field, length, value_at) = self.header(tag, rest, encoding, end)?;
            if root && self.part == Part::BeforePixels && is_pixel_data(tag) {
                self.note_tag(tag)?;
                self.check_duplicates()?;
                let length = (length != UNDEFINED).then_some(length);
                return Ok(Some(End::Pixels(PixelHeader {
                    field,
                    at: self.at,
                    value_at,
                    length,
                })));
            }
            self.count_node(tag)?;
            if self.element(&field, length, value_at, encoding, visitor)? {
                return Ok(None);
            }
            if root && visitor.has_enough() {
                return Ok(Some(End::Enough));
            }
        }
    }

    fn last_tag(&self) -> Tag {
        self.levels
            .last()
            .map_or(Tag(0, 0), |level| level.last)
    }

    /// At the outermost level: how many bytes are left, if all of them are zero and no element
    /// could begin here.
    #[inline]
    fn zeros_to_the_end(&self, end: usize) -> Result<Option<usize>, Halt> {
        let left = end - self.at;
        let head = self
            .buffer
            .get(self.at..)
            .unwrap_or_default();
        if left >= 8 && head.first_chunk() != Some(&[0u8; 4]) {
            return Ok(None);
        }
        if head
            .iter()
            .take(left)
            .any(|b| *b != 0)
        {
            let code = if left < 8 && self.part == Part::BeforePixels {
                FileErrorKind::Truncated
            } else {
                FileErrorKind::TrailingData
            };
            return Err(Halt::new(code, self.last_tag(), self.at, ""));
        }
        self.need(end, end, self.last_tag())?;
        Ok(Some(left))
    }

    /// VR, length and place of the value of the element whose tag was read.
    #[inline]
    fn header(
        &self,
        tag: Tag,
        rest: [u8; 4],
        encoding: Encoding,
        end: usize,
    ) -> Result<(Field, u32, usize), Halt> {
        if !encoding.explicit {
            let field = Field {
                tag,
                vr: vr::of_tag(tag),
                odd_vr: None,
                explicit: false,
            };
            return Ok((field, encoding.u32(rest), self.at + 8));
        }
        let [v0, v1, l0, l1] = rest;
        let known = vr::from_bytes([v0, v1]);
        if let Some(vr) = known
            && !vr::has_long_length(vr)
        {
            let field = Field {
                tag,
                vr,
                odd_vr: None,
                explicit: true,
            };
            return Ok((field, u32::from(encoding.u16([l0, l1])), self.at + 8));
        }
        if known.is_none() && (!vr::could_name_one([v0, v1]) || [l0, l1] != [0, 0]) {
            return Err(self.malformed(tag, "no VR where one must be"));
        }
        let odd_vr = known.is_none().then_some([v0, v1]);
        let length = encoding.u32(self.bytes(self.at + 8, end, tag)?);
        Ok((
            Field {
                tag,
                vr: known.unwrap_or(VR::UN),
                odd_vr,
                explicit: true,
            },
            length,
            self.at + 12,
        ))
    }

    /// Reports one element, or begins its sequence (`true`).
    fn element(
        &mut self,
        field: &Field,
        length: u32,
        value_at: usize,
        encoding: Encoding,
        visitor: &mut impl Visitor,
    ) -> Result<bool, Halt> {
        let Some(level) = self.levels.last() else {
            return Ok(true);
        };
        let bound = level.end;
        self.note_tag(field.tag)?;
        if length == UNDEFINED {
            return self.undefined(field, value_at, bound, encoding, visitor);
        }
        let value_end = value_at.saturating_add(length as usize);
        if field.vr == VR::SQ {
            // The items are checked one by one against the claimed end, which itself must lie
            // inside what is there.
            if value_end > bound {
                return Err(self.lacking(value_end, bound, field.tag));
            }
            return self
                .begin_sequence(field, value_at, value_end, false, encoding, None, visitor)
                .map(|()| true);
        }
        self.need(value_end, bound, field.tag)?;
        if field.vr == VR::UN && self.begins_with_item(value_at, value_end) {
            let trial = match visitor.opens(field) {
                Opening::Leave => None,
                Opening::Must => Some(None),
                Opening::Try => Some(Some((value_at, value_end))),
            };
            if let Some(trial) = trial {
                let inside = Encoding::IMPLICIT_LITTLE;
                return self
                    .begin_sequence(field, value_at, value_end, false, inside, trial, visitor)
                    .map(|()| true);
            }
        }
        self.count_text(field, length as usize)?;
        visitor.value(field, value_at..value_end)?;
        self.at = value_end;
        Ok(false)
    }

    #[inline]
    fn count_text(&mut self, field: &Field, length: usize) -> Result<(), Halt> {
        if length <= Limits::LONG_TEXT || !vr::is_text(field.vr) {
            return Ok(());
        }
        let too_long = || {
            Halt::new(
                FileErrorKind::HeaderTooLarge,
                field.tag,
                self.at,
                "long texts take more than an eighth of it",
            )
        };
        self.text_left = self
            .text_left
            .checked_sub(length)
            .ok_or_else(too_long)?;
        Ok(())
    }

    fn begins_with_item(&self, from: usize, to: usize) -> bool {
        self.buffer
            .get(from..to)
            .is_some_and(|value| value.len() >= 8 && value.starts_with(&[0xFE, 0xFF, 0x00, 0xE0]))
    }

    /// A value of undefined length: a sequence, or fragments.
    fn undefined(
        &mut self,
        field: &Field,
        value_at: usize,
        bound: usize,
        encoding: Encoding,
        visitor: &mut impl Visitor,
    ) -> Result<bool, Halt> {
        if is_pixel_data(field.tag) || (field.explicit && vr::may_be_encapsulated(field.vr)) {
            let end = self.fragments_end(field.tag, value_at, bound, encoding)?;
            visitor.fragments(field, value_at..end)?;
            self.at = end;
            return Ok(false);
        }
        let inside = match field.vr {
            VR::UN if field.explicit => Encoding::IMPLICIT_LITTLE,
            VR::SQ => encoding,
            _ if !field.explicit => encoding,
            _ => return Err(self.malformed(field.tag, "a length must be stated here")),
        };
        self.begin_sequence(field, value_at, bound, true, inside, None, visitor)
            .map(|()| true)
    }

    /// Where the fragments that begin at `at` end, delimiter included.
    fn fragments_end(
        &mut self,
        tag: Tag,
        at: usize,
        bound: usize,
        encoding: Encoding,
    ) -> Result<usize, Halt> {
        let mut at = at;
        loop {
            let header: [u8; 8] = self.bytes(at, bound, tag)?;
            match fragment(header, encoding) {
                Some(Fragment::Bytes(length)) => {
                    at = at
                        .saturating_add(8)
                        .saturating_add(length as usize);
                }
                Some(Fragment::End) => return Ok(at + 8),
                None => return Err(self.malformed(tag, "no fragment where one must be")),
            }
            self.need(at, bound, tag)?;
            self.count_node(tag)?;
        }
    }

    #[inline]
    fn note_tag(&mut self, tag: Tag) -> Result<(), Halt> {
        let Some(level) = self.levels.last_mut() else {
            return Ok(());
        };
        if tag <= level.last && self.tags.len() > level.tags_from {
            if tag == level.last {
                return Err(Halt::new(FileErrorKind::DuplicateElement, tag, self.at, ""));
            }
            level.disordered = true;
            self.disorder = true;
        }
        level.last = tag;
        self.tags.push(tag);
        Ok(())
    }

    /// In ascending order a duplicate is met at once; otherwise the tags of the data set are sorted
    /// and compared.
    fn check_duplicates(&mut self) -> Result<(), Halt> {
        let Some(level) = self
            .levels
            .last()
            .filter(|level| level.disordered)
        else {
            return Ok(());
        };
        let at = self.at;
        let tags = self
            .tags
            .get_mut(level.tags_from..)
            .unwrap_or_default();
        tags.sort_unstable();
        let twice = tags
            .windows(2)
            .find_map(|pair| match pair {
                [a, b] if a == b => Some(*a),
                _ => None,
            });
        twice.map_or(Ok(()), |tag| {
            Err(Halt::new(FileErrorKind::DuplicateElement, tag, at, ""))
        })
    }
}

/// The items of sequences: where they begin and end, and how they are encoded (PS3.5 section 7.5).
impl Walk<'_> {
    #[allow(clippy::too_many_arguments)]
    fn begin_sequence(
        &mut self,
        field: &Field,
        value_at: usize,
        end: usize,
        delimited: bool,
        encoding: Encoding,
        trial: Option<(usize, usize)>,
        visitor: &mut impl Visitor,
    ) -> Result<(), Halt> {
        if self.levels.len() / 2 >= self.depth {
            return Err(Halt::new(FileErrorKind::TooDeep, field.tag, self.at, ""));
        }
        let encoding = self.encoding_inside(value_at, end, encoding, field.tag)?;
        let length = if delimited {
            LengthForm::Undefined
        } else {
            LengthForm::Defined
        };
        visitor.sequence_begins(field, length, encoding)?;
        self.push_level(
            Some(SequenceLevel {
                field: *field,
                trial,
            }),
            end,
            delimited,
            encoding,
        );
        self.at = value_at;
        Ok(())
    }

    /// How items are really encoded: some writers put implicit items into explicit files, and
    /// explicit ones into UN. The first element of the first item tells.
    fn encoding_inside(
        &self,
        at: usize,
        end: usize,
        expected: Encoding,
        tag: Tag,
    ) -> Result<Encoding, Halt> {
        if at.saturating_add(16) > end {
            return Ok(expected);
        }
        let first: [u8; 16] = self.bytes(at, end, tag)?;
        let [i0, i1, i2, i3, l0, l1, l2, l3, g0, g1, _, _, v0, v1, _, _] = first;
        let is_item = Tag(expected.u16([i0, i1]), expected.u16([i2, i3])) == ITEM;
        if !is_item || expected.u32([l0, l1, l2, l3]) < 8 || expected.u16([g0, g1]) == 0xFFFE {
            return Ok(expected);
        }
        let explicit = if expected.explicit {
            vr::could_name_one([v0, v1])
        } else {
            vr::from_bytes([v0, v1]).is_some()
        };
        Ok(Encoding {
            explicit,
            ..expected
        })
    }

    /// The next item of the innermost sequence, or its end.
    fn next_item(&mut self, visitor: &mut impl Visitor) -> Result<(), Halt> {
        let Some(&Level {
            sequence: Some(SequenceLevel { field, .. }),
            end,
            delimited,
            encoding,
            ..
        }) = self.levels.last()
        else {
            return Ok(());
        };
        if self.at == end && !delimited {
            return self.close_sequence(visitor);
        }
        let [t0, t1, t2, t3, length @ ..] = self.bytes::<8>(self.at, end, field.tag)?;
        let length = encoding.u32(length);
        match Tag(encoding.u16([t0, t1]), encoding.u16([t2, t3])) {
            SEQUENCE_END if delimited && length == 0 => {
                self.at += 8;
                self.close_sequence(visitor)
            }
            ITEM => self.begin_item(field.tag, length, end, encoding, visitor),
            _ => Err(self.malformed(field.tag, "no item where one must be")),
        }
    }

    fn begin_item(
        &mut self,
        tag: Tag,
        length: u32,
        bound: usize,
        encoding: Encoding,
        visitor: &mut impl Visitor,
    ) -> Result<(), Halt> {
        self.count_node(tag)?;
        let delimited = length == UNDEFINED;
        let from = self.at + 8;
        let end = if delimited {
            bound
        } else {
            from.saturating_add(length as usize)
        };
        if end > bound {
            return Err(self.lacking(end, bound, tag));
        }
        visitor.item_begins(if delimited {
            LengthForm::Undefined
        } else {
            LengthForm::Defined
        })?;
        self.push_level(None, end, delimited, encoding);
        self.at = from;
        Ok(())
    }

    fn delimiter_in_data(
        &mut self,
        tag: Tag,
        length: u32,
        delimited: bool,
        visitor: &mut impl Visitor,
    ) -> Result<Option<End>, Halt> {
        if tag != ITEM_END || !delimited || length != 0 {
            return Err(self.malformed(tag, "a delimiter that ends nothing"));
        }
        self.at += 8;
        self.close_data(visitor)
    }

    fn close_data(&mut self, visitor: &mut impl Visitor) -> Result<Option<End>, Halt> {
        self.check_duplicates()?;
        if self.levels.len() == 1 {
            return Ok(Some(End::Data { trailing_zeros: 0 }));
        }
        if let Some(level) = self.levels.pop() {
            self.tags.truncate(level.tags_from);
        }
        visitor.item_ends().map(|()| None)
    }

    fn close_sequence(&mut self, visitor: &mut impl Visitor) -> Result<(), Halt> {
        self.levels.pop();
        visitor.sequence_ends()
    }
}
