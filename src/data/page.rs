//! A packed page of bases: one format byte, a CRC-32 of the rest, then JSON: who made the changes, each once, and the bases in
//! id order, which name them by their place.
//!
//! JSON, because a rescue page can read it; the format byte lets that change. Most of what the server says of a record that was
//! changed once is when each of its fields changed, and by whom: nearly always the same twice over. So a page has each person
//! once, and a base each moment once, with the fields of it.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::stored::{Head, Moment, Packed, Rest, Stored};
use crate::core::record::{Base, By, Millis, RecordId, Seq, Tombstone, Version};

/// A page is split when it would be larger, in bytes.
pub const PAGE_BYTES_MAX: usize = 32 * 1024;
/// The bases as they are, in a JSON array: read, and not written any more.
const FORMAT_PLAIN: u8 = 1;
/// The format that this code writes.
const FORMAT_SHARED: u8 = 2;
/// Format byte and checksum.
const HEADER_BYTES: usize = 5;

/// Why a page cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageError {
    /// Too short, or its checksum is another: fetch its range again.
    Damaged,
    /// Written by a newer version: reload.
    Newer(u8),
    /// The checksum holds, and the contents are not bases: our own bug.
    Malformed(String),
}

impl std::fmt::Display for PageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged => write!(f, "a page is damaged"),
            Self::Newer(format) => write!(f, "a page has the newer format {format}"),
            Self::Malformed(why) => write!(f, "a page does not hold bases: {why}"),
        }
    }
}

impl std::error::Error for PageError {}

/// A base in a page, as it is read. People are their places in [`Contents::people`].
#[derive(Deserialize)]
struct Row<'a> {
    id: RecordId,
    version: Version,
    seq: Seq,
    at: Millis,
    #[serde(default)]
    by: Option<usize>,
    /// When, by whom, and which fields.
    #[serde(default, borrow)]
    changed: Vec<(Millis, usize, &'a RawValue)>,
    #[serde(default)]
    tombstone: Option<Tombstone>,
    #[serde(borrow)]
    fields: &'a RawValue,
    #[serde(default)]
    normalised: std::collections::BTreeMap<String, crate::core::record::Normalised>,
    #[serde(default)]
    doubted: Vec<u64>,
}

/// A page.
#[derive(Deserialize)]
struct Contents<'a> {
    people: Vec<By>,
    #[serde(borrow)]
    bases: Vec<Row<'a>>,
}

/// A page in the making: bases are added in id order, as long as they fit.
struct Packing<'a> {
    people: Vec<&'a Rc<By>>,
    people_bytes: usize,
    body: Vec<u8>,
}

/// `{"people":[`, `],"bases":[` and `]}`, and the header.
const FRAME_BYTES: usize = HEADER_BYTES + 11 + 11 + 2;

impl<'a> Packing<'a> {
    fn new() -> Self {
        Self { people: Vec::new(), people_bytes: 0, body: Vec::new() }
    }

    fn person(&mut self, by: &'a Rc<By>) -> usize {
        // There are few, and the newest is the likeliest.
        let known = self.people.iter().rposition(|known| Rc::ptr_eq(known, by) || known == &by);
        known.unwrap_or_else(|| {
            self.people.push(by);
            self.people_bytes += serde_json::to_vec(by.as_ref()).map_or(0, |json| json.len() + 1);
            self.people.len() - 1
        })
    }

    /// A base as [`Row`] reads it. What is text is taken as it is.
    fn base(&mut self, base: &'a Stored) {
        let packed = base.packed();
        self.member("{\"id\":", &base.id);
        self.member(",\"version\":", &base.version);
        self.member(",\"seq\":", &base.seq);
        self.member(",\"at\":", &base.at);
        if let Some(by) = &base.by {
            let place = self.person(by);
            self.member(",\"by\":", &place);
        }
        for (place, moment) in packed.changed.iter().enumerate() {
            let by = self.person(&moment.by);
            self.member(if place == 0 { ",\"changed\":[[" } else { ",[" }, &moment.at);
            self.member(",", &by);
            self.text(",", &moment.names);
            self.body.push(b']');
        }
        if !packed.changed.is_empty() {
            self.body.push(b']');
        }
        if let Some(tombstone) = &base.tombstone {
            self.member(",\"tombstone\":", tombstone);
        }
        self.text(",\"fields\":", packed.fields.get());
        if let Some(rest) = &packed.rest {
            self.member(",\"normalised\":", &rest.normalised);
            self.member(",\"doubted\":", &rest.doubted);
        }
        self.body.push(b'}');
    }

    fn member(&mut self, name: &str, value: &impl Serialize) {
        self.body.extend_from_slice(name.as_bytes());
        // All of them serialise always: their maps have string keys, and a Vec takes every byte.
        let _ = serde_json::to_writer(&mut self.body, value);
    }

    fn text(&mut self, name: &str, json: &str) {
        self.body.extend_from_slice(name.as_bytes());
        self.body.extend_from_slice(json.as_bytes());
    }

    /// Adds a base, unless the page would be larger than this; a page of one base is as large as that is.
    fn add(&mut self, base: &'a Stored, bytes_max: usize) -> bool {
        let (people, people_bytes, end) = (self.people.len(), self.people_bytes, self.body.len());
        if end > 0 {
            self.body.push(b',');
        }
        self.base(base);
        let fits = end == 0 || FRAME_BYTES + self.people_bytes + self.body.len() <= bytes_max;
        if !fits {
            self.people.truncate(people);
            self.people_bytes = people_bytes;
            self.body.truncate(end);
        }
        fits
    }

    fn finish(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FRAME_BYTES + self.people_bytes + self.body.len());
        bytes.resize(HEADER_BYTES, 0);
        bytes.extend_from_slice(b"{\"people\":");
        let people: Vec<&By> = self.people.iter().map(|by| by.as_ref()).collect();
        let _ = serde_json::to_writer(&mut bytes, &people);
        bytes.extend_from_slice(b",\"bases\":[");
        bytes.extend_from_slice(&self.body);
        bytes.extend_from_slice(b"]}");
        let checksum = crc32fast::hash(&bytes[HEADER_BYTES..]);
        bytes[0] = FORMAT_SHARED;
        bytes[1..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }
}

/// Packs bases, which are in id order, into pages of at most `bytes_max`: each with the id of its first base. One base that is
/// larger has a page of its own. Without bases there is one empty page.
#[must_use]
pub fn encode<'a>(bases: impl IntoIterator<Item = &'a Stored>, bytes_max: usize) -> Vec<(Option<RecordId>, Vec<u8>)> {
    let (mut pages, mut packing, mut first) = (Vec::new(), Packing::new(), None);
    for base in bases {
        if !packing.add(base, bytes_max) {
            pages.push((first.take(), std::mem::replace(&mut packing, Packing::new()).finish()));
            // The first of a page always fits.
            packing.add(base, bytes_max);
        }
        first.get_or_insert(base.id);
    }
    pages.push((first, packing.finish()));
    pages
}

/// A page without bases.
#[must_use]
pub fn empty() -> Vec<u8> {
    Packing::new().finish()
}

/// Packs bases as one page, if they fit.
pub fn encode_whole<'a>(bases: impl IntoIterator<Item = &'a Stored>, bytes_max: usize) -> Option<Vec<u8>> {
    let mut packing = Packing::new();
    bases.into_iter().all(|base| packing.add(base, bytes_max)).then(|| packing.finish())
}

/// Reads a page. What its bases say stays text.
///
/// # Errors
/// See [`PageError`].
pub fn read(bytes: &[u8]) -> Result<Vec<Stored>, PageError> {
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else { return Err(PageError::Damaged) };
    let format = header[0];
    if format > FORMAT_SHARED {
        return Err(PageError::Newer(format));
    }
    let checksum = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
    if crc32fast::hash(body) != checksum || format < FORMAT_PLAIN {
        return Err(PageError::Damaged);
    }
    let malformed = |error: serde_json::Error| PageError::Malformed(error.to_string());
    if format == FORMAT_PLAIN {
        let bases: Vec<Base> = serde_json::from_slice(body).map_err(malformed)?;
        return Ok(bases.into_iter().map(Stored::from).collect());
    }
    let Contents { people, bases } = serde_json::from_slice(body).map_err(malformed)?;
    let people: Vec<Rc<By>> = people.into_iter().map(Rc::new).collect();
    let mut known = Vec::new();
    let stored: Option<Vec<Stored>> = bases.into_iter().map(|row| row.stored(&people, &mut known)).collect();
    stored.ok_or_else(|| PageError::Malformed("a base names nobody, or has no fields".to_owned()))
}

/// Unpacks a page.
///
/// # Errors
/// See [`PageError`].
pub fn decode(bytes: &[u8]) -> Result<Vec<Base>, PageError> {
    Ok(read(bytes)?.iter().map(|stored| stored.base().clone()).collect())
}

impl Row<'_> {
    /// `known` are lists of names that the page had so far.
    fn stored(self, people: &[Rc<By>], known: &mut Vec<Rc<str>>) -> Option<Stored> {
        let mut changed = Vec::with_capacity(self.changed.len());
        for (at, by, names) in self.changed {
            changed.push(Moment { at, by: people.get(by)?.clone(), names: shared(names.get(), known)? });
        }
        let by = match self.by {
            Some(place) => Some(people.get(place)?.clone()),
            None => None,
        };
        if !self.fields.get().starts_with('{') {
            return None;
        }
        let is_plain = self.normalised.is_empty() && self.doubted.is_empty();
        let rest = (!is_plain).then(|| Box::new(Rest { normalised: self.normalised, doubted: self.doubted }));
        let head = Head { id: self.id, version: self.version, seq: self.seq, at: self.at, tombstone: self.tombstone, by };
        Some(Stored::new(head, Packed { fields: self.fields.to_owned(), changed: changed.into(), rest }))
    }
}

/// The list of names that is the same text, if it is one.
fn shared(names: &str, known: &mut Vec<Rc<str>>) -> Option<Rc<str>> {
    if let Some(same) = known.iter().rev().find(|same| ***same == *names) {
        return Some(same.clone());
    }
    serde_json::from_str::<Vec<String>>(names).ok()?;
    known.push(names.into());
    known.last().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn base(n: i64) -> Base {
        let id = RecordId::new(Millis(n), [0, 0]);
        serde_json::from_value(json!({"id": id, "version": 1, "seq": n, "at": n, "fields": {"name": format!("PT {n} «é»")}}))
            .unwrap()
    }

    /// One with all that a base can have.
    fn full(n: i64) -> Base {
        let by = |who: i64| json!({"id": RecordId::new(Millis(who), [0, 0]), "name": format!("Ahmad {who}"), "role": "rep"});
        let mut row = serde_json::to_value(base(n)).unwrap();
        row["by"] = by(n % 3);
        row["changed"] = json!({
            "name": {"at": n, "by": by(n % 3)}, "city": {"at": 1, "by": by(1)}, "phone": {"at": n, "by": by(n % 3)},
            "code": {"at": n, "by": by(7)},
        });
        row["tombstone"] = if n % 2 == 0 { json!("deleted") } else { Value::Null };
        row["normalised"] = json!({"phone": {"sent": "0812", "returned": "+62812"}});
        serde_json::from_value(row).unwrap()
    }

    fn stored(bases: &[Base]) -> Vec<Stored> {
        bases.iter().cloned().map(Stored::from).collect()
    }

    fn one(bases: &[Base]) -> Vec<u8> {
        let bases = stored(bases);
        let mut pages = encode(&bases, usize::MAX);
        assert_eq!(pages.len(), 1);
        pages.remove(0).1
    }

    #[test]
    fn what_is_packed_comes_back() {
        let bases: Vec<Base> = (1..50).map(|n| if n % 4 == 0 { base(n) } else { full(n) }).collect();
        let page = one(&bases);
        assert_eq!(decode(&page), Ok(bases));
        // Text that is taken as it is makes the same page.
        assert_eq!(encode(&read(&page).unwrap(), usize::MAX).remove(0).1, page);
        assert_eq!(decode(&one(&[])), Ok(vec![]));
    }

    #[test]
    fn a_page_of_the_first_format_is_read() {
        let bases = vec![base(1), full(2)];
        let body = serde_json::to_vec(&bases).unwrap();
        let page = [&[FORMAT_PLAIN][..], &crc32fast::hash(&body).to_le_bytes(), &body].concat();
        assert_eq!(decode(&page), Ok(bases));
    }

    #[test]
    fn pages_are_full_and_not_too_full() {
        let bases: Vec<Base> = (1..200).map(full).collect();
        let kept = stored(&bases);
        let pages = encode(&kept, 4_000);
        let sizes: Vec<usize> = pages.iter().map(|(_, bytes)| bytes.len()).collect();
        assert!(sizes.iter().all(|size| *size <= 4_000), "{sizes:?}");
        assert!(sizes[..sizes.len() - 1].iter().all(|size| *size > 3_300), "{sizes:?}");
        let back: Vec<Vec<Base>> = pages.iter().map(|(_, bytes)| decode(bytes).unwrap()).collect();
        assert!(pages.iter().zip(&back).all(|((first, _), bases)| Some(bases[0].id) == *first));
        assert_eq!(back.concat(), bases);
        // One that is larger than a page has one of its own.
        assert_eq!(encode(&kept[..3], 10).len(), 3);
    }

    #[test]
    fn who_changed_each_field_when_costs_little() {
        let by = json!({"id": RecordId::new(Millis(1), [0, 0]), "name": "Budi Santoso", "role": "rep"});
        let (mut plain, mut told) = (base(1), base(1));
        let names: Vec<String> = (0..14).map(|n| format!("field_{n:02}")).collect();
        plain.by = serde_json::from_value(by.clone()).unwrap();
        told.by = plain.by.clone();
        let changed = |at: i64| serde_json::from_value(json!({"at": at, "by": by})).unwrap();
        told.changed = names.iter().map(|name| (name.clone(), changed(if name == "field_03" { 2 } else { 1 }))).collect();
        let many = |base: &Base| one(&vec![base.clone(); 50]).len() / 50;
        assert!(many(&told) - many(&plain) < 14 * 12 + 60, "{} {}", many(&told), many(&plain));
    }

    #[test]
    fn any_damaged_byte_is_noticed() {
        let good = one(&[base(1), full(2)]);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(decode(&bad).is_err(), "byte {at}");
            assert!(decode(&good[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_newer_format_is_not_taken_for_damage() {
        let mut page = one(&[base(1)]);
        page[0] = 9;
        assert_eq!(decode(&page), Err(PageError::Newer(9)));
    }
}
