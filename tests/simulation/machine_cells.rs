//! The cells of the machine's table (state × event) that can be reached; the others are answers that nobody waits for.

/// By name.
pub const POSSIBLE: &[&str] = &[];
