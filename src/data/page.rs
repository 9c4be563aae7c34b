//! A packed page of bases: one format byte, a CRC-32 of the rest, then the bases as a JSON array in id order.
//!
//! JSON, because it is what came from the wire and what a rescue page can read; the format byte lets that change.

use crate::core::record::Base;

/// A page is split when it would be larger, in bytes.
pub const PAGE_BYTES_MAX: usize = 32 * 1024;
/// The format that this code writes.
const FORMAT_JSON: u8 = 1;
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

/// Packs bases, which are in id order.
#[must_use]
pub fn encode(bases: &[Base]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    // Bases serialise always: their maps have string keys, and a Vec takes every byte.
    let _ = serde_json::to_writer(&mut bytes, bases);
    let checksum = crc32fast::hash(&bytes[HEADER_BYTES..]);
    bytes[0] = FORMAT_JSON;
    bytes[1..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Unpacks a page.
///
/// # Errors
/// See [`PageError`].
pub fn decode(bytes: &[u8]) -> Result<Vec<Base>, PageError> {
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else { return Err(PageError::Damaged) };
    if header[0] != FORMAT_JSON {
        return Err(PageError::Newer(header[0]));
    }
    let checksum = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
    if crc32fast::hash(body) != checksum {
        return Err(PageError::Damaged);
    }
    serde_json::from_slice(body).map_err(|error| PageError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::record::{Millis, RecordId};
    use serde_json::json;

    fn base(n: i64) -> Base {
        let id = RecordId::new(Millis(n), [0, 0]);
        serde_json::from_value(json!({"id": id, "version": 1, "seq": n, "at": n, "fields": {"name": format!("PT {n} «é»")}}))
            .unwrap()
    }

    #[test]
    fn what_is_packed_comes_back() {
        let bases: Vec<Base> = (1..50).map(base).collect();
        assert_eq!(decode(&encode(&bases)), Ok(bases));
        assert_eq!(decode(&encode(&[])), Ok(vec![]));
    }

    #[test]
    fn any_damaged_byte_is_noticed() {
        let good = encode(&[base(1), base(2)]);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(decode(&bad).is_err(), "byte {at}");
            assert!(decode(&good[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_newer_format_is_not_taken_for_damage() {
        let mut page = encode(&[base(1)]);
        page[0] = 9;
        assert_eq!(decode(&page), Err(PageError::Newer(9)));
    }
}
