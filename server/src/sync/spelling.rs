//! JSON in which equal numbers are spelled alike: 5.0 is 5, as for who has doubles alone.

use std::io::{Result, Write};

use fieldsync::core::number::spelled;
use serde_json::ser::{CompactFormatter, Formatter};

/// Writes compact JSON, and each number as the double that it is to a browser.
pub(super) struct Spelling;

// The nearest double is what is asked for.
#[allow(clippy::cast_precision_loss)]
impl Formatter for Spelling {
    fn write_i64<W: ?Sized + Write>(&mut self, writer: &mut W, value: i64) -> Result<()> {
        self.write_f64(writer, value as f64)
    }

    fn write_u64<W: ?Sized + Write>(&mut self, writer: &mut W, value: u64) -> Result<()> {
        self.write_f64(writer, value as f64)
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> Result<()> {
        match spelled(value) {
            Some(number) => write!(writer, "{number}"),
            None => CompactFormatter.write_f64(writer, value),
        }
    }
}
