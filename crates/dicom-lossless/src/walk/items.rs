//! The walker among the items of sequences: where they begin and end, and how they are encoded
//! (PS3.5 section 7.5).

use super::{Level, SequenceLevel, Walk};
use crate::Tag;
use crate::dataset::{Encoding, LengthForm};
use crate::error::FileErrorKind;
use crate::error::Halt;
use crate::visit::{End, Field, ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, Visitor};
use crate::vr;

impl Walk<'_> {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn begin_sequence(
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
    pub(super) fn encoding_inside(
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
    pub(super) fn next_item(&mut self, visitor: &mut impl Visitor) -> Result<(), Halt> {
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

    pub(super) fn begin_item(
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

    pub(super) fn delimiter_in_data(
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

    pub(super) fn close_data(&mut self, visitor: &mut impl Visitor) -> Result<Option<End>, Halt> {
        self.check_duplicates()?;
        if self.levels.len() == 1 {
            return Ok(Some(End::Data { trailing_zeros: 0 }));
        }
        if let Some(level) = self.levels.pop() {
            self.tags.truncate(level.tags_from);
        }
        visitor.item_ends().map(|()| None)
    }

    pub(super) fn close_sequence(&mut self, visitor: &mut impl Visitor) -> Result<(), Halt> {
        self.levels.pop();
        visitor.sequence_ends()
    }
}
