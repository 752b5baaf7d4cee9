//! FETCH: what is asked about a message, and the answer's rows.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::Offset;

use super::syntax::{Reader, ascii};

/// One FETCH response. Each item may be missing: a server may report a mere change of flags at any time.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct FetchRow<'a> {
    pub(crate) uid: Option<u32>,
    pub(crate) internal_date: Option<Timestamp>,
    pub(crate) size: Option<u64>,
    /// `BODY[HEADER.FIELDS …]` or `BODY[HEADER]`; `Some(None)` for NIL.
    pub(crate) header: Option<Option<Cow<'a, [u8]>>>,
    /// `BODY[]`, whole or from its beginning; `Some(None)` for NIL.
    pub(crate) body: Option<Option<Cow<'a, [u8]>>>,
    /// X-GM-THRID (Gmail) and THREADID (RFC 8474), as `scheme:value`.
    pub(crate) thread_ids: Vec<String>,
}

impl<'a> FetchRow<'a> {
    /// Reads what follows `* n FETCH`. `None` when it can't be read to its end.
    pub(crate) fn parse(mut reader: Reader<'a>) -> Option<Self> {
        let mut row = Self::default();
        reader.blanks();
        if !reader.eat(b'(') {
            return None;
        }
        loop {
            reader.blanks();
            if reader.eat(b')') {
                return Some(row);
            }
            let name = match reader.item_name() {
                b"" => return None,
                name => name,
            };
            reader.blanks();
            row.item(name, &mut reader)?;
        }
    }

    fn item(&mut self, name: &[u8], reader: &mut Reader<'a>) -> Option<()> {
        let is = |keyword: &str| name.eq_ignore_ascii_case(keyword.as_bytes());
        let begins = |keyword: &str| {
            name.get(..keyword.len()).is_some_and(|head| head.eq_ignore_ascii_case(keyword.as_bytes()))
        };
        if is("UID") {
            self.uid = Some(u32::try_from(reader.number()?).ok().filter(|uid| *uid > 0)?);
        } else if is("RFC822.SIZE") {
            self.size = reader.number();
            if self.size.is_none() {
                reader.skip_value()?;
            }
        } else if is("INTERNALDATE") {
            self.internal_date = reader.string()?.and_then(|text| date_time(ascii(&text)));
        } else if begins("BODY[HEADER") {
            self.header = Some(reader.string()?);
        } else if begins("BODY[]") {
            self.body = Some(reader.string()?);
        } else if is("X-GM-THRID") {
            self.thread_ids.push(format!("gm:{}", reader.number()?));
        } else if is("THREADID") {
            // `THREADID (T64b478a75b7ea9)` or `THREADID NIL`.
            if reader.eat(b'(') {
                if let Some(id) = reader.string()? {
                    self.thread_ids.push(format!("objectid:{}", String::from_utf8_lossy(&id)));
                }
                reader.blanks();
                if !reader.eat(b')') {
                    return None;
                }
            } else {
                reader.skip_value()?;
            }
        } else {
            reader.skip_value()?;
        }
        Some(())
    }
}

/// INTERNALDATE: ` 7-Jul-1996 02:44:25 -0700` (RFC 9051 §9, `date-time`).
fn date_time(text: &str) -> Option<Timestamp> {
    let mut words = text.split_ascii_whitespace();
    let (date, time, zone) = (words.next()?, words.next()?, words.next().unwrap_or("+0000"));
    let mut date = date.split('-');
    let day: i8 = date.next()?.parse().ok()?;
    let month = month(date.next()?)?;
    let year: i16 = date.next()?.parse().ok()?;
    let mut time = time.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    // A leap second is shown as :60 by some.
    let local = civil::DateTime::new(year, month, day, hour, minute, second.min(59), 0).ok()?;
    let (sign, digits) = match zone.as_bytes().first()? {
        b'-' => (-1, zone.get(1..)?),
        b'+' => (1, zone.get(1..)?),
        _ => (1, "0000"),
    };
    let digits: i32 = digits.parse().ok()?;
    let offset = Offset::from_seconds(sign * (digits / 100 * 3600 + digits % 100 * 60)).ok()?;
    offset.to_timestamp(local).ok()
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn month(name: &str) -> Option<i8> {
    let index = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    i8::try_from(index + 1).ok()
}

/// A day as SEARCH SINCE wants it: `7-Jul-1996`.
pub(crate) fn search_date(date: civil::Date) -> String {
    let index = usize::try_from(date.month() - 1).unwrap_or(0);
    format!("{}-{}-{}", date.day(), MONTHS.get(index).unwrap_or(&"Jan"), date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Option<FetchRow<'_>> {
        FetchRow::parse(Reader::new(text.as_bytes()))
    }

    #[test]
    fn a_whole_row_is_read_whatever_the_items_order() {
        let row = row(concat!(
            " (X-GM-THRID 1278455344230334865 RFC822.SIZE 44827 UID 7 FLAGS (\\Seen $X) ",
            "INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" MODSEQ (12) ",
            "BODY[HEADER.FIELDS (FROM SUBJECT)] {12}\r\nFrom: a@b\r\n\r\n THREADID (T1) EMAILID (M2))\r\n",
        ));
        let row = row.unwrap();
        assert_eq!((row.uid, row.size), (Some(7), Some(44827)));
        assert_eq!(row.internal_date, Some("1996-07-17T09:44:25Z".parse().unwrap()));
        assert_eq!(row.header.unwrap().unwrap(), &b"From: a@b\r\n\r"[..]);
        assert_eq!(row.thread_ids, ["gm:1278455344230334865", "objectid:T1"]);
    }

    #[test]
    fn items_may_be_missing_nil_or_unknown() {
        let odd =
            row(" (UID 3 X-SECRET (a (b)) BODY[HEADER.FIELDS (A)] NIL THREADID NIL RFC822.SIZE NIL)\r\n");
        let odd = odd.unwrap();
        assert_eq!((odd.uid, odd.header, odd.size), (Some(3), Some(None), None));
        assert!(odd.thread_ids.is_empty());
        assert_eq!(row(" (FLAGS ())\r\n").unwrap(), FetchRow::default());
    }

    #[test]
    fn a_row_cut_short_is_no_row() {
        for text in [" (UID 3", " (UID x)", " UID 3", " (UID 0)", " (UID 3 BODY[] {9}\r\nabc)\r\n", " ()x"] {
            assert!(row(text).is_none() || text == " ()x", "{text:?}");
        }
    }

    #[test]
    fn internal_dates_are_read() {
        for (text, expected) in [
            ("17-Jul-1996 02:44:25 -0700", Some("1996-07-17T09:44:25Z")),
            (" 7-jul-2026 00:00:60 +0530", Some("2026-07-06T18:30:59Z")),
            ("1-Jan-2026 00:00:00", Some("2026-01-01T00:00:00Z")),
            ("31-Feb-2026 00:00:00 +0000", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(date_time(text), expected.map(|t| t.parse().unwrap()), "{text:?}");
        }
    }

    #[test]
    fn search_dates_are_written_in_english() {
        assert_eq!(search_date(civil::date(2026, 3, 9)), "9-Mar-2026");
    }
}
