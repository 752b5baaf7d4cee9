//! Times in the store are whole milliseconds since 1970, UTC.

use jiff::Timestamp;

/// For a column.
pub fn to_ms(time: Timestamp) -> i64 {
    time.as_millisecond()
}

/// From a column. A number out of range, which only a damaged file holds, reads as 1970.
pub fn from_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}
