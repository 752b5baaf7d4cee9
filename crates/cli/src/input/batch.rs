//! Messages in batches, large enough to be worth handing to another thread and small enough to hold many.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::{ControlFlow, Range};

use super::mbox::{self, MboxReader};
use super::{Format, MailFile};

/// A message is judged by this much of its beginning: text stands before attachments, and what a longer one says
/// after two million bytes decides nothing.
pub const MAX_MESSAGE: usize = 2 * 1024 * 1024;

/// A batch is handed over when it holds so many bytes or messages.
const BATCH_BYTES: usize = 512 * 1024;
const BATCH_MESSAGES: usize = 512;

/// Where a message is, to read it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Index into the mailbox's files.
    pub file: u32,
    /// Its length in the batch, at most [`MAX_MESSAGE`].
    pub length: u32,
    /// In bytes from the beginning of the file, at the `From ` line of an mbox; 0 for a file with one message.
    pub offset: u64,
}

/// What is known of a message.
#[derive(Clone, Debug)]
pub enum Content {
    /// Its bytes stand here in the batch, with the `From ` line of an mbox.
    Bytes(Range<usize>),
    /// The file, or the rest of it, could not be read.
    Unreadable(String),
}

/// A message of a batch.
#[derive(Clone, Debug)]
pub struct Item {
    /// Where it is.
    pub at: Position,
    /// How its file holds messages.
    pub format: Format,
    /// What could be read.
    pub content: Content,
}

/// Some messages in the order of the input.
#[derive(Debug, Default)]
pub struct Batch {
    buffer: Vec<u8>,
    items: Vec<Item>,
    /// Bytes of the input that were read for it, passed-over ones included.
    pub read: u64,
}

impl Batch {
    /// The messages.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The message itself: without what the mailbox format added.
    ///
    /// # Errors
    /// Why it could not be read.
    pub fn message<'a>(&'a self, item: &'a Item) -> Result<Cow<'a, [u8]>, &'a str> {
        match &item.content {
            Content::Bytes(range) => {
                let bytes = self.buffer.get(range.clone()).unwrap_or_default();
                Ok(match item.format {
                    Format::Mbox => mbox::message(bytes),
                    Format::Single => mbox::without_from_line(bytes).into(),
                })
            }
            Content::Unreadable(why) => Err(why),
        }
    }

    fn is_full(&self) -> bool {
        self.buffer.len() >= BATCH_BYTES || self.items.len() >= BATCH_MESSAGES
    }
}

/// Hands batches of all messages to `send`, in the order of the input, until it breaks.
pub fn read_all(files: &[MailFile], send: &mut dyn FnMut(Batch) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut batch = Batch::default();
    for (number, file) in (0..).zip(files) {
        let finished = match file.format {
            Format::Mbox => read_mbox(number, file, &mut batch, send),
            Format::Single => {
                read_single(number, file, &mut batch);
                if batch.is_full() { send(std::mem::take(&mut batch)) } else { ControlFlow::Continue(()) }
            }
        };
        finished?;
    }
    if batch.items.is_empty() { ControlFlow::Continue(()) } else { send(batch) }
}

fn read_mbox(
    number: u32,
    file: &MailFile,
    batch: &mut Batch,
    send: &mut dyn FnMut(Batch) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut end = 0;
    let mut reader = match File::open(&file.path) {
        Ok(open) => MboxReader::new(open),
        Err(error) => {
            batch.items.push(unreadable(number, file.format, 0, &error));
            return ControlFlow::Continue(());
        }
    };
    loop {
        match reader.next(MAX_MESSAGE, &mut batch.buffer) {
            Ok(Some(entry)) => {
                let at = Position { file: number, length: length(&entry.bytes), offset: entry.offset };
                batch.items.push(Item { at, format: file.format, content: Content::Bytes(entry.bytes) });
            }
            Ok(None) => {
                batch.read += reader.offset() - end;
                return ControlFlow::Continue(());
            }
            Err(error) => {
                batch.items.push(unreadable(number, file.format, reader.offset(), &error));
                return ControlFlow::Continue(());
            }
        }
        if batch.is_full() {
            batch.read += reader.offset() - end;
            end = reader.offset();
            send(std::mem::take(batch))?;
        }
    }
}

fn read_single(number: u32, file: &MailFile, batch: &mut Batch) {
    let start = batch.buffer.len();
    let read =
        File::open(&file.path).and_then(|file| file.take(MAX_MESSAGE as u64).read_to_end(&mut batch.buffer));
    batch.items.push(match read {
        Ok(_) => {
            let bytes = start..batch.buffer.len();
            let at = Position { file: number, length: length(&bytes), offset: 0 };
            Item { at, format: file.format, content: Content::Bytes(bytes) }
        }
        Err(error) => {
            batch.buffer.truncate(start);
            unreadable(number, file.format, 0, &error)
        }
    });
    batch.read += file.size;
}

/// Hands batches of the messages at `positions`, which are in the order of the input, to `send` until it breaks.
pub fn read_at(
    files: &[MailFile],
    positions: &[Position],
    send: &mut dyn FnMut(Batch) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut batch = Batch::default();
    let mut open: Option<(u32, File)> = None;
    for at in positions {
        let start = batch.buffer.len();
        let format = files.get(at.file as usize).map_or(Format::Single, |file| file.format);
        let item = match read_one(files, *at, &mut open, &mut batch.buffer) {
            Ok(()) => Item { at: *at, format, content: Content::Bytes(start..batch.buffer.len()) },
            Err(error) => {
                batch.buffer.truncate(start);
                unreadable(at.file, format, at.offset, &error)
            }
        };
        batch.items.push(item);
        if batch.is_full() {
            send(std::mem::take(&mut batch))?;
        }
    }
    if batch.items.is_empty() { ControlFlow::Continue(()) } else { send(batch) }
}

fn read_one(
    files: &[MailFile],
    at: Position,
    open: &mut Option<(u32, File)>,
    into: &mut Vec<u8>,
) -> io::Result<()> {
    if !matches!(open, Some((file, _)) if *file == at.file) {
        let file = files.get(at.file as usize).ok_or(io::ErrorKind::NotFound)?;
        *open = Some((at.file, File::open(&file.path)?));
    }
    let Some((_, file)) = open else { return Ok(()) };
    file.seek(SeekFrom::Start(at.offset))?;
    let read = file.take(u64::from(at.length)).read_to_end(into)?;
    if read == at.length as usize { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn unreadable(file: u32, format: Format, offset: u64, error: &io::Error) -> Item {
    Item { at: Position { file, length: 0, offset }, format, content: Content::Unreadable(error.to_string()) }
}

fn length(bytes: &Range<usize>) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Mailbox;

    fn subjects(batches: &[Batch]) -> Vec<String> {
        let lines = batches.iter().flat_map(|batch| batch.items.iter().map(|item| batch.message(item)));
        lines.map(|message| String::from_utf8(message.unwrap().into_owned()).unwrap()).collect()
    }

    #[test]
    fn what_is_read_again_is_what_was_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut mbox = String::new();
        for number in 0..2000 {
            mbox += &format!(
                "From a@x.example Mon Nov 23 14:00:00 2026\nSubject: {number}\n\n>From {number}\n\n"
            );
        }
        std::fs::write(dir.path().join("a.mbox"), mbox).unwrap();
        std::fs::write(dir.path().join("b.eml"), "Subject: b\n\n").unwrap();
        let mailbox = Mailbox::find(&[dir.path().to_owned()]);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let _done = read_all(&mailbox.files, &mut |batch| {
            first.push(batch);
            ControlFlow::Continue(())
        });
        let messages = subjects(&first);
        assert_eq!(messages.len(), 2001);
        assert_eq!(messages[7], "Subject: 7\n\nFrom 7\n");
        assert!(first.len() > 3, "{}", first.len());
        assert_eq!(first.iter().map(|batch| batch.read).sum::<u64>(), mailbox.total_size());
        let positions: Vec<Position> =
            first.iter().flat_map(|batch| &batch.items).map(|item| item.at).collect();
        let _done = read_at(&mailbox.files, &positions, &mut |batch| {
            second.push(batch);
            ControlFlow::Continue(())
        });
        assert_eq!(subjects(&second), messages);
    }

    #[test]
    fn reading_stops_when_nobody_wants_more() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..2000 {
            std::fs::write(dir.path().join(format!("{number}.eml")), "Subject: x\n\n").unwrap();
        }
        let mailbox = Mailbox::find(&[dir.path().to_owned()]);
        let mut batches = 0;
        let stopped = read_all(&mailbox.files, &mut |_| {
            batches += 1;
            ControlFlow::Break(())
        });
        assert_eq!((batches, stopped.is_break()), (1, true));
    }
}
