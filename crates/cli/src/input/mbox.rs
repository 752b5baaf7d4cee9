//! Cuts an mbox file into its entries, in constant memory.
//!
//! An entry begins with a `From ` line and ends before the blank line in front of the next one (RFC 4155). Writers
//! differ in what they quote, so a `From ` line only counts after a blank line (or at the start of the file) and
//! where it looks like one that a program wrote, or a header field follows: a paragraph that begins with the word
//! "From" doesn't cut a message in two. `Content-Length` (mboxcl) is not trusted, as many writers let it go stale.

use std::io::{self, Read};
use std::ops::Range;

use memchr::memmem;

/// How much is read at a time.
const BLOCK: usize = 256 * 1024;

/// A `From ` line and the line after it must lie within this many bytes to be recognised.
const LOOK_AHEAD: usize = 2 * 1024;

/// One entry that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where its `From ` line begins in the file, in bytes.
    pub offset: u64,
    /// Where it stands in the buffer that it was read into: with its `From ` line, without the final blank line, and
    /// at most as long as the reader was told to keep.
    pub bytes: Range<usize>,
}

/// Reads entries one after the other.
#[derive(Debug)]
pub struct MboxReader<R> {
    inner: R,
    finder: memmem::Finder<'static>,
    buffer: Vec<u8>,
    /// What lies before this in `buffer` was handed over.
    position: usize,
    /// The file offset of `buffer[0]`.
    base: u64,
    ended: bool,
}

enum Search {
    /// The entry ends at the first index, and the next one begins at the second.
    Found(usize, usize),
    /// The entry goes on at least up to this index; more must be read to know.
    GoesOnTo(usize),
}

impl<R: Read> MboxReader<R> {
    /// Reads from `inner`, which stands at the beginning of the file.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            finder: memmem::Finder::new(b"\nFrom "),
            buffer: Vec::with_capacity(2 * BLOCK),
            position: 0,
            base: 0,
            ended: false,
        }
    }

    /// How far the file has been handed over, in bytes.
    pub fn offset(&self) -> u64 {
        self.base + self.position as u64
    }

    /// Appends the next entry to `into`, of which at most `keep` bytes, and passes over the rest of it.
    ///
    /// # Errors
    /// What reading the file gave.
    pub fn next(&mut self, keep: usize, into: &mut Vec<u8>) -> io::Result<Option<Entry>> {
        if self.base == 0 && self.position == 0 {
            self.skip_leading_blank_lines()?;
        }
        let offset = self.base + self.position as u64;
        let start = into.len();
        let mut searched = self.position;
        loop {
            match self.search(searched) {
                Search::Found(end, next) => {
                    self.hand_over(end, start, keep, into);
                    self.position = next;
                    return Ok(Some(Entry { offset, bytes: start..into.len() }));
                }
                Search::GoesOnTo(end) if self.ended => {
                    let some = offset < self.base + end as u64;
                    self.hand_over(end, start, keep, into);
                    return Ok(some.then_some(Entry { offset, bytes: start..into.len() }));
                }
                Search::GoesOnTo(end) => {
                    self.hand_over(end, start, keep, into);
                    self.fill()?;
                    searched = self.position;
                }
            }
        }
    }

    fn hand_over(&mut self, end: usize, start: usize, keep: usize, into: &mut Vec<u8>) {
        let room = (start + keep).saturating_sub(into.len());
        if let Some(bytes) = self.buffer.get(self.position..end) {
            into.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
        self.position = self.position.max(end);
    }

    /// Drops what was handed over and reads one more block.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.position);
        self.base += self.position as u64;
        self.position = 0;
        let old = self.buffer.len();
        let read = (&mut self.inner).take(BLOCK as u64).read_to_end(&mut self.buffer)?;
        debug_assert_eq!(self.buffer.len(), old + read);
        self.ended = read == 0;
        Ok(())
    }

    fn skip_leading_blank_lines(&mut self) -> io::Result<()> {
        while !self.ended && self.buffer.len() < LOOK_AHEAD {
            self.fill()?;
        }
        self.position = self.buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        Ok(())
    }

    /// Looks for the end of the entry at `position`.
    fn search(&self, from: usize) -> Search {
        // Kept back: a blank line and the look-ahead of a `From ` line that isn't complete yet.
        let certain =
            if self.ended { self.buffer.len() } else { self.buffer.len().saturating_sub(LOOK_AHEAD) };
        let mut at = from;
        while let Some(found) = self.buffer.get(at..).and_then(|rest| self.finder.find(rest)) {
            let line_break = at + found;
            if line_break >= certain && !self.ended {
                break;
            }
            at = line_break + 1;
            let Some(end) = end_before_blank_line(&self.buffer, self.position, line_break) else { continue };
            if self.buffer.get(at..).is_some_and(is_separator) {
                return Search::Found(end, at);
            }
        }
        Search::GoesOnTo(if self.ended {
            self.buffer.len()
        } else {
            certain.saturating_sub(4).max(self.position)
        })
    }
}

/// Where the entry ends if the line break at `line_break` ends a blank line: behind the line before that.
fn end_before_blank_line(buffer: &[u8], start: usize, line_break: usize) -> Option<usize> {
    let before = buffer.get(start..line_break)?;
    let before = before.strip_suffix(b"\r").unwrap_or(before);
    before.ends_with(b"\n").then_some(start + before.len())
}

/// Whether what follows a blank line begins an entry.
fn is_separator(rest: &[u8]) -> bool {
    let rest = rest.get(..LOOK_AHEAD).unwrap_or(rest);
    let mut lines = rest.split(|byte| *byte == b'\n');
    let line = lines.next().unwrap_or_default().trim_ascii_end();
    let next = lines.next();
    let header_follows = next.is_some_and(|next| is_header_field(next) || next.starts_with(b">From "));
    let nothing_follows = next.is_none_or(|next| next.trim_ascii_end().is_empty());
    // "From rep@sales.example Mon Nov 23 14:00:00 2026", "From alice at example.com  Tue Oct  3 09:12:00 2006"
    if has_ctime(line) {
        return header_follows || nothing_follows;
    }
    // "From nobody", "From rep@sales.example"
    let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    header_follows && (words <= 2 || line.contains(&b'@'))
}

/// RFC 5322 §2.2: a name of printable characters without a colon, then a colon.
pub fn is_header_field(line: &[u8]) -> bool {
    let name = line.iter().take_while(|byte| matches!(byte, b'!'..=b'9' | b';'..=b'~')).count();
    let rest = line.get(name..).unwrap_or_default().trim_ascii_start();
    name > 0 && rest.starts_with(b":")
}

/// The date that C's `ctime` writes: weekday and month, one after the other.
fn has_ctime(line: &[u8]) -> bool {
    const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let mut after_weekday = false;
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).any(|word| {
        let word = word.strip_suffix(b",").unwrap_or(word);
        let found = after_weekday && MONTHS.contains(&word);
        after_weekday = WEEKDAYS.contains(&word);
        found
    })
}

/// The message of an entry: without its `From ` line and, where a line was quoted because it begins with "From ",
/// without the sign (mboxo and mboxrd).
pub fn message(entry: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let mut raw = without_from_line(entry);
    // Some delivery agents keep the envelope lines of earlier hops, quoted, above the header.
    while raw.starts_with(b">From ") {
        raw = after_line(raw);
    }
    unquote(raw)
}

/// A message that may have been saved with the `From ` line of the mbox that it comes from.
pub fn without_from_line(entry: &[u8]) -> &[u8] {
    if entry.starts_with(b"From ") { after_line(entry) } else { entry }
}

fn after_line(text: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', text).and_then(|end| text.get(end + 1..)).unwrap_or_default()
}

fn unquote(raw: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let mut unquoted: Option<Vec<u8>> = None;
    let mut copied = 0;
    for found in memmem::find_iter(raw, b">From ") {
        let signs = raw.get(..found).unwrap_or_default();
        let line = signs.iter().rposition(|byte| *byte != b'>').map_or(0, |last| last + 1);
        let at_line_start = line == 0 || raw.get(line - 1) == Some(&b'\n');
        if at_line_start {
            let unquoted = unquoted.get_or_insert_with(|| Vec::with_capacity(raw.len()));
            unquoted.extend_from_slice(raw.get(copied..line).unwrap_or_default());
            copied = line + 1;
        }
    }
    match unquoted {
        None => raw.into(),
        Some(mut unquoted) => {
            unquoted.extend_from_slice(raw.get(copied..).unwrap_or_default());
            unquoted.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time, to move every border through every place.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(n);
            buffer[..n].copy_from_slice(now);
            self.0 = later;
            Ok(n)
        }
    }

    fn entries(mbox: &[u8], keep: usize) -> Vec<(u64, String)> {
        let mut reader = MboxReader::new(Trickle(mbox, 7));
        let mut found = Vec::new();
        let mut bytes = Vec::new();
        while let Some(entry) = reader.next(keep, &mut bytes).unwrap() {
            found.push((entry.offset, String::from_utf8_lossy(&bytes[entry.bytes]).into_owned()));
        }
        found
    }

    #[test]
    fn entries_begin_at_from_lines_and_know_their_offset() {
        let first = "From a@x.example Mon Nov 23 14:00:00 2026\nSubject: 1\n\nhello\n";
        let second = "From b@x.example Mon Nov 23 14:00:01 2026\nSubject: 2\n\n";
        let third = "From - Mon Nov 23 14:00:02 2026\nSubject: 3\n\nbye\n";
        let mbox = format!("{first}\n{second}\n{third}");
        let (second_at, third_at) = (first.len() as u64 + 1, (first.len() + second.len()) as u64 + 2);
        // The blank line that ends the second header is also the one in front of the third entry.
        let expected =
            vec![(0, first.to_owned()), (second_at, second.to_owned()), (third_at, third.to_owned())];
        assert_eq!(entries(mbox.as_bytes(), 1 << 20), expected);
        let shared_blank = format!("{first}\n{second}{third}");
        let entries = entries(shared_blank.as_bytes(), 1 << 20);
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[1].1, second.strip_suffix('\n').unwrap());
    }

    #[test]
    fn crlf_files_are_cut_alike() {
        let mbox = "From a@x.example Mon Nov 23 14:00:00 2026\r\nSubject: 1\r\n\r\nhello\r\n\r\n\
                    From b@x.example Mon Nov 23 14:00:01 2026\r\nSubject: 2\r\n\r\nbye\r\n";
        let found = entries(mbox.as_bytes(), 1 << 20);
        assert_eq!(found.len(), 2);
        assert!(found[0].1.ends_with("hello\r\n"));
        assert!(found[1].1.starts_with("From b"));
    }

    #[test]
    fn a_paragraph_that_begins_with_from_does_not_cut() {
        for body in [
            "From what I know, it is at 10:30.\n",
            "From Monday on I am away, at 10:30 on most days of 2026.\n",
            "From Monday on I am away, at 10:30 on most days of 2026.\n\nBye\n",
            "From 2026 on it is at 10:30, they say.\nGood luck.\n",
            "From Monday\nto Friday\n",
            "From the desk of Kevin\n\nmore\n",
            "not blank before\nFrom b@x.example Mon Nov 23 14:00:01 2026\nSubject: 2\n",
            ">From b@x.example Mon Nov 23 14:00:01 2026\nSubject: 2\n",
        ] {
            let mbox = format!("From a@x.example Mon Nov 23 14:00:00 2026\nSubject: 1\n\n{body}");
            assert_eq!(entries(mbox.as_bytes(), 1 << 20), vec![(0, mbox.clone())], "{body}");
        }
    }

    #[test]
    fn from_lines_of_every_writer_cut() {
        for line in [
            "From MAILER-DAEMON Fri Jul  8 12:08:34 2011",
            "From alice at example.com  Tue Oct  3 09:12:00 2006",
            "From 1234567890@xxx Thu Jan 01 00:00:00 +0000 2015",
            "From exmh-workers-admin@redhat.example  Thu Aug 22 12:36:23 2002",
            "From ???@??? Tue Aug 25 16:42:29 1998",
            "From d5b9d2f0c0ffee Mon Sep 17 00:00:00 2001",
            "From nobody",
            "From rep@sales.example",
        ] {
            let mbox = format!("{line}\nSubject: 1\n\na\n\n{line}\nSubject: 2\n\nb\n");
            assert_eq!(entries(mbox.as_bytes(), 1 << 20).len(), 2, "{line}");
        }
    }

    #[test]
    fn a_stale_content_length_is_not_trusted() {
        let mbox = "From a Mon Nov 23 14:00:00 2026\nContent-Length: 9999\n\nhello\n\n\
                    From b Mon Nov 23 14:00:01 2026\nSubject: 2\n\nbye\n";
        assert_eq!(entries(mbox.as_bytes(), 1 << 20).len(), 2);
    }

    #[test]
    fn a_long_message_is_kept_in_part_and_passed_over() {
        let long = "x".repeat(3 * BLOCK);
        let mbox = format!(
            "From a Mon Nov 23 14:00:00 2026\nSubject: 1\n\n{long}\n\nFrom b Mon Nov 23 14:00:01 2026\nSubject: 2\n\nbye\n"
        );
        let mut reader = MboxReader::new(mbox.as_bytes());
        let mut bytes = Vec::new();
        let first = reader.next(100, &mut bytes).unwrap().unwrap();
        assert_eq!(first.bytes, 0..100);
        let second = reader.next(100, &mut bytes).unwrap().unwrap();
        assert_eq!(second.offset, mbox.find("From b").unwrap() as u64);
        assert!(bytes[second.bytes].ends_with(b"bye\n"));
        assert!(reader.buffer.capacity() < 4 * BLOCK, "{}", reader.buffer.capacity());
        assert_eq!(reader.next(100, &mut bytes).unwrap(), None);
    }

    #[test]
    fn blocks_may_end_anywhere() {
        let mut mbox = Vec::new();
        for number in 0..20_000 {
            let body = "y".repeat(number % 97);
            mbox.extend_from_slice(
                format!("From a{number}@x.example Mon Nov 23 14:00:00 2026\nSubject: {number}\n\n{body}\n\n")
                    .as_bytes(),
            );
        }
        let mut reader = MboxReader::new(&*mbox);
        let (mut bytes, mut count) = (Vec::new(), 0);
        while let Some(entry) = reader.next(1 << 20, &mut bytes).unwrap() {
            let from = format!("From a{count}@");
            assert!(bytes[entry.bytes.clone()].starts_with(from.as_bytes()));
            assert!(mbox[usize::try_from(entry.offset).unwrap()..].starts_with(from.as_bytes()));
            bytes.clear();
            count += 1;
        }
        assert_eq!(count, 20_000);
    }

    #[test]
    fn an_empty_file_holds_nothing() {
        assert_eq!(entries(b"", 100), vec![]);
        assert_eq!(entries(b"\n\n", 100), vec![]);
    }

    #[test]
    fn quoted_from_lines_lose_one_sign() {
        let entry = b"From a Mon Nov 23 14:00:00 2026\n>From b Mon Nov 23 13:00:00 2026\nSubject: 1\n\n\
                      >From here\n>>From there\nand >From inside\n> From quoted\n";
        assert_eq!(
            String::from_utf8_lossy(&message(entry)),
            "Subject: 1\n\nFrom here\n>From there\nand >From inside\n> From quoted\n"
        );
    }
}
